import {
  type AuthorizeHandshake,
  createAuthorize,
  KEY_SET_ALGORITHMS,
  SECRET_ALGORITHMS,
  type TrustedIssuer,
} from '../authorize.ts';
import type { Now } from '../clock.ts';
import { type IdentityConfig, type IssuerConfig, readIdentityConfig } from '../config.ts';
import { createKeySet } from '../key-set.ts';
import { createSecretReader } from './secret.ts';

/** Authorization with the keys that the environment names. */
export function composeAuthorize(now: Now, config: IdentityConfig = readIdentityConfig()): AuthorizeHandshake {
  return createAuthorize({ ...config, issuers: config.issuers.map((issuer) => composeIssuer(issuer, now)), now });
}

function composeIssuer({ issuer, audience, audienceClaim = 'aud', ...keys }: IssuerConfig, now: Now): TrustedIssuer {
  const trusted = { issuer, audience, audienceClaim };
  if (keys.secretArn) return { ...trusted, getKey: createSecretReader(keys.secretArn), algorithms: SECRET_ALGORITHMS };
  const jwksUrl = keys.jwksUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`;
  return { ...trusted, getKey: createKeySet({ jwksUrl, now }), algorithms: KEY_SET_ALGORITHMS };
}
