import { CfnOutput, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ORIGIN_PATTERN } from '../server/config.ts';
import { Beckon, type BeckonProps } from './beckon.ts';
import { DemoPage } from './demo-page.ts';

export interface BeckonStackProps extends StackProps, Pick<BeckonProps, 'mode' | 'search'> {
  /**
   * Whether the demo page is put up, and may connect.
   * @default false
   */
  readonly demo?: boolean;
}

/**
 * Beckon in a stack of its own. What differs from one installation to the next is a CloudFormation parameter, so that
 * one template is deployed to every account and runs on every laptop.
 */
export class BeckonStack extends Stack {
  readonly beckon: Beckon;

  constructor(scope: Construct, id: string, { mode, search, demo = false, ...props }: BeckonStackProps = {}) {
    super(scope, id, props);
    const issuer = new CfnParameter(this, 'Issuer', {
      description: 'The iss that tokens must carry. Its keys are at {issuer}/.well-known/jwks.json',
      // The local cloud's issuer has no TLS. Quotes would end the JSON text that this becomes a part of.
      allowedPattern: '(https://|http://127\\.0\\.0\\.1:)[^"\\\\\\s]+',
    });
    const audience = new CfnParameter(this, 'Audience', {
      description: 'The aud that tokens must carry',
      default: 'beckon',
      allowedPattern: '[^"\\\\]+',
    });
    const allowedOrigins = new CfnParameter(this, 'AllowedOrigins', {
      type: 'CommaDelimitedList',
      description: 'Origins of the pages that may connect, such as https://app.example.com',
      default: '',
      // CloudFormation holds it against each of them; the default is a list of one empty text.
      allowedPattern: ` *(?:${ORIGIN_PATTERN})? *`,
      constraintDescription:
        'origins as browsers send them, separated by commas, such as https://app.example.com or capacitor://localhost: without a path, a slash at the end, or a default port',
    });
    const defaultCapability = new CfnParameter(this, 'DefaultCapability', {
      description:
        'What tokens without the claim "capability" allow, in JSON, such as {"user:*":["send"],"room:*":["join","send"]}. Empty: everything that concerns users, and no rooms',
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
