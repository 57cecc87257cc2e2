import { Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ENV } from '../server/config.ts';
import { type BeckonProps, requireCapability, requireOrigins } from './beckon-props.ts';
import { Handler, type HandlerProps } from './handler.ts';

/** Whose tokens are accepted, and from which pages. */
export type Identity = Pick<
  BeckonProps,
  'issuer' | 'audience' | 'jwksUrl' | 'sharedSecret' | 'allowedOrigins' | 'defaultCapability'
>;

/** The function `authorize`, told whose tokens to accept, and allowed to read what they are verified with. */
export class Authorizer extends Handler {
  constructor(scope: Construct, identity: Identity, logging: HandlerProps) {
    const { issuer, audience, allowedOrigins = [], defaultCapability, ...keys } = identity;
    requireOrigins(allowedOrigins);
    super(scope, 'authorize', {
      ...logging,
      environment: {
        [ENV.issuer]: issuer,
        [ENV.audience]: audience,
        [ENV.allowedOrigins]: allowedOrigins.length === 0 ? '' : Fn.join(',', allowedOrigins),
        ...(defaultCapability !== undefined && { [ENV.defaultCapability]: requireCapability(defaultCapability) }),
        ...(keys.jwksUrl && { [ENV.jwksUrl]: keys.jwksUrl }),
        ...(keys.sharedSecret && { [ENV.secretArn]: keys.sharedSecret.secretArn }),
      },
    });
    keys.sharedSecret?.grantRead(this);
  }
}
