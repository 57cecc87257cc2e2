import { Fn, Lazy, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ENV, type IssuerConfig } from '../server/config.ts';
import { type BeckonProps, type Issuer, requireCapability, requireIssuers, requireOrigins } from './beckon-props.ts';
import { Handler, type HandlerProps } from './handler.ts';

/** Whose tokens are accepted, from which pages, and what they allow. */
export type Identity = Pick<BeckonProps, keyof Issuer | 'otherIssuers' | 'allowedOrigins' | 'defaultCapability'>;

/** The function `authorize`, told whose tokens to accept, and allowed to read what they are verified with. */
export class Authorizer extends Handler {
  readonly #origins: string[];

  constructor(
    scope: Construct,
    { allowedOrigins = [], otherIssuers = [], defaultCapability, ...issuer }: Identity,
    logging: HandlerProps,
  ) {
    const issuers = [issuer, ...otherIssuers];
    requireIssuers(issuers);
    requireOrigins(allowedOrigins);
    const origins = allowedOrigins.length === 0 ? [] : [Fn.join(',', [...allowedOrigins])];
    super(scope, 'authorize', {
      ...logging,
      environment: {
        [ENV.issuers]: Stack.of(scope).toJsonString(issuers.map(describeIssuer)),
        [ENV.allowedOrigins]: Lazy.string({ produce: () => origins.join(',') }),
        ...(defaultCapability !== undefined && { [ENV.defaultCapability]: requireCapability(defaultCapability) }),
      },
    });
    for (const { sharedSecret } of issuers) sharedSecret?.grantRead(this);
    this.#origins = origins;
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
