import { Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ENV } from '../server/config.ts';
import { type BeckonProps, requireOrigins } from './beckon-props.ts';
import { Handler, type HandlerProps } from './handler.ts';

/** Whose tokens are accepted, and from which pages. */
export type Identity = Pick<BeckonProps, 'issuer' | 'audience' | 'jwksUrl' | 'sharedSecret' | 'allowedOrigins'>;

/** The function `authorize`, told whose tokens to accept, and allowed to read what they are verified with. */
export class Authorizer extends Handler {
  constructor(scope: Construct, { issuer, audience, allowedOrigins = [], ...keys }: Identity, logging: HandlerProps) {
    requireOrigins(allowedOrigins);
    super(scope, 'authorize', {
      ...logging,
      environment: {
        [ENV.issuer]: issuer,
        [ENV.audience]: audience,
        [ENV.allowedOrigins]: allowedOrigins.length === 0 ? '' : Fn.join(',', allowedOrigins),
        ...(keys.jwksUrl && { [ENV.jwksUrl]: keys.jwksUrl }),
        ...(keys.sharedSecret && { [ENV.secretArn]: keys.sharedSecret.secretArn }),
      },
    });
    keys.sharedSecret?.grantRead(this);
  }
}
