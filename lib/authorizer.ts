import { Fn, Lazy, Stack } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { ENV, type IssuerConfig } from '../server/config.ts';
import { type BeckonProps, type Issuer, requireCapability, requireIssuers, requireOrigins } from './beckon-props.ts';
import { Handler, type HandlerProps } from './handler.ts';

/** The issuers that Beckon trusts, the pages that may connect, and what a token allows. */
export type Identity = Pick<BeckonProps, keyof Issuer | 'otherIssuers' | 'allowedOrigins' | 'defaultCapability'>;

/** The function `authorize`, with the list of trusted issuers and the permission to read their shared secrets. */
export class Authorizer extends Handler {
  readonly #origins: string[];
  readonly #issuers: readonly Issuer[];
  readonly #verification: Readonly<Record<string, string>>;

  constructor(
    scope: Construct,
    { allowedOrigins = [], otherIssuers = [], defaultCapability, ...issuer }: Identity,
    logging: HandlerProps,
  ) {
    const issuers = [issuer, ...otherIssuers];
    requireIssuers(issuers);
    requireOrigins(allowedOrigins);
    const origins = allowedOrigins.length === 0 ? [] : [Fn.join(',', [...allowedOrigins])];
    const verification = {
      [ENV.issuers]: Stack.of(scope).toJsonString(issuers.map(describeIssuer)),
      ...(defaultCapability !== undefined && { [ENV.defaultCapability]: requireCapability(defaultCapability) }),
    };
    super(scope, 'authorize', {
      ...logging,
      environment: { ...verification, [ENV.allowedOrigins]: Lazy.string({ produce: () => origins.join(',') }) },
    });
    grantSecrets(issuers, this);
    this.#origins = origins;
    this.#issuers = issuers;
    this.#verification = verification;
  }

  /** Gives another function the same list and the same permission. */
  grantVerification(handler: LambdaFunction): void {
    for (const [name, value] of Object.entries(this.#verification)) handler.addEnvironment(name, value);
    grantSecrets(this.#issuers, handler);
  }

  /** Allows pages of one more origin to connect. */
  allowOrigin(origin: string): void {
    requireOrigins([origin]);
    this.#origins.push(origin);
  }
}

function grantSecrets(issuers: readonly Issuer[], handler: LambdaFunction): void {
  for (const { sharedSecret } of issuers) (sharedSecret as ISecret | undefined)?.grantRead(handler);
}

function describeIssuer({ issuer, audience, audienceClaim, jwksUrl, sharedSecret }: Issuer): IssuerConfig {
  return {
    issuer,
    audience,
    ...(audienceClaim && { audienceClaim }),
    ...(jwksUrl && { jwksUrl }),
    ...(sharedSecret && { secretArn: sharedSecret.secretArn }),
  };
}
