import type { TrustedIssuer } from '../local/index.ts';
import { ENV, jwksUrlOf, readIdentityConfig } from '../server/config.ts';

/** Reads the issuers that a function trusts from its environment; none for a function without that setting. */
export function readTrust(environment: Readonly<Record<string, string>>): readonly TrustedIssuer[] {
  if (environment[ENV.issuers] === undefined) return [];
  return readIdentityConfig(environment).issuers.map((config) => ({
    issuer: config.issuer,
    claims: { [config.audienceClaim ?? 'aud']: config.audience },
    ...(config.secretArn === undefined && { jwksUrl: jwksUrlOf(config) }),
  }));
}
