import type { TrustedIssuer } from '../local/index.ts';
import { ENV, jwksUrlOf, readIdentityConfig } from '../server/config.ts';

/** Whose tokens a function of Beckon trusts, as its environment says. Other functions say nothing of it. */
export function readTrust(environment: Readonly<Record<string, string>>): readonly TrustedIssuer[] {
  if (environment[ENV.issuers] === undefined) return [];
  return readIdentityConfig(environment).issuers.map((config) => ({
    issuer: config.issuer,
    claims: { [config.audienceClaim ?? 'aud']: config.audience },
    ...(config.secretArn === undefined && { jwksUrl: jwksUrlOf(config) }),
  }));
}
