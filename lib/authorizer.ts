import { Fn, Lazy, Stack } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { ENV, type IssuerConfig } from '../server/config.ts';
import { type BeckonProps, type Issuer, requireCapability, requireIssuers, requireOrigins } from './beckon-props.ts';
import { Handler, type HandlerProps } from './handler.ts';

/** Whose tokens are accepted, from which pages, and what they allow. */
export type Identity = Pick<BeckonProps, keyof Issuer | 'otherIssuers' | 'allowedOrigins' | 'defaultCapability'>;

/** The function `authorize`, told whose tokens to accept, and allowed to read what they are verified with. */
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
    for (const { sharedSecret } of issuers) sharedSecret?.grantRead(this);
    this.#origins = origins;
    this.#issuers = issuers;
    this.#verification = verification;
  }

  /** Lets another function verify tokens as this one does. */
  grantVerification(handler: LambdaFunction): void {
    for (const [name, value] of Object.entries(this.#verification)) handler.addEnvironment(name, value);
    for (const { sharedSecret } of this.#issuers) sharedSecret?.grantRead(handler);
  }

  /** Lets pages of one more origin connect. */
  allowOrigin(origin: string): void {
    requireOrigins([origin]);
    this.#origins.push(origin);
  }
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
