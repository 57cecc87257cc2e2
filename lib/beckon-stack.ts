import { CfnOutput, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ORIGIN_PATTERN } from '../server/config.ts';
import { Beckon, type BeckonProps } from './beckon.ts';
import { DemoPage } from './demo-page.ts';

export interface BeckonStackProps extends StackProps, Pick<BeckonProps, 'mode' | 'search'> {
  /**
   * Whether the stack contains the demo page, which may connect.
   * @default false
   */
  readonly demo?: boolean;
}

/**
 * Beckon in a stack of its own. The settings that differ between installations are CloudFormation parameters, so one
 * template fits every account and every laptop.
 */
export class BeckonStack extends Stack {
  readonly beckon: Beckon;

  constructor(scope: Construct, id: string, { mode, search, demo = false, ...props }: BeckonStackProps = {}) {
    super(scope, id, props);
    const issuer = new CfnParameter(this, 'Issuer', {
      description: 'The iss that tokens must carry. Its keys are at {issuer}/.well-known/jwks.json',
      // The local cloud's issuer has no TLS. A quotation mark would end the JSON text around the value.
      allowedPattern: '(https://|http://127\\.0\\.0\\.1:)[^"\\\\\\s]+',
    });
    const audience = new CfnParameter(this, 'Audience', {
      description: 'The aud that tokens must carry',
      default: 'beckon',
      allowedPattern: '[^"\\\\]+',
    });
    const allowedOrigins = new CfnParameter(this, 'AllowedOrigins', {
      type: 'CommaDelimitedList',
      description: 'The origins of the pages that may connect, such as https://app.example.com',
      default: '',
      // CloudFormation matches each element of the list. The default is a list of one empty text.
      allowedPattern: ` *(?:${ORIGIN_PATTERN})? *`,
      constraintDescription:
        'origins as browsers send them, separated by commas, such as https://app.example.com or capacitor://localhost: without a path, a slash at the end, or a default port',
    });
    const defaultCapability = new CfnParameter(this, 'DefaultCapability', {
      description:
        'What a token without the claim "capability" allows, in JSON, such as {"user:*":["send"],"room:*":["join","send"]}. Empty: all operations on users, and no rooms',
      default: '',
    });
    this.beckon = new Beckon(this, 'Beckon', {
      issuer: issuer.valueAsString,
      audience: audience.valueAsString,
      allowedOrigins: allowedOrigins.valueAsList,
      defaultCapability: defaultCapability.valueAsString,
      ...(mode && { mode }),
      ...(search && { search }),
    });
    if (demo) this.#addDemoPage();
    this.#addOutputs();
  }

  #addOutputs(): void {
    // There is one Beckon in this stack, so the plain names of its outputs cannot clash.
    for (const child of this.beckon.node.children) {
      if (child instanceof CfnOutput) child.overrideLogicalId(child.node.id);
    }
    new CfnOutput(this, 'CallbackUrl', { value: this.beckon.callbackUrl });
    new CfnOutput(this, 'ConnectionsTableName', { value: this.beckon.connectionsTable.tableName });
    new CfnOutput(this, 'MessagesTableName', { value: this.beckon.messagesTable.tableName });
  }

  #addDemoPage(): void {
    const page = new DemoPage(this, 'DemoPage', { webSocketUrl: this.beckon.webSocketUrl });
    this.beckon.allowOrigin(page.origin);
    new CfnOutput(this, 'PageUrl', { value: page.origin });
  }
}
