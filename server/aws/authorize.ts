import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import { type AuthorizeHandshake, createAuthorize, KEY_SET_ALGORITHMS, SECRET_ALGORITHMS } from '../authorize.ts';
import type { Now } from '../clock.ts';
import { type IdentityConfig, readIdentityConfig } from '../config.ts';
import { createSecretReader } from './secret.ts';

/** How long fetching the issuer's keys may take, in milliseconds. */
const JWKS_TIMEOUT_MS = 3_000;

/** How long after a fetch an unknown key id may cause another, in milliseconds: garbage ids must not hammer the issuer. */
const JWKS_COOLDOWN_MS = 30_000;

/** Authorization with the keys that the environment names. */
export function composeAuthorize(now: Now, config: IdentityConfig = readIdentityConfig()): AuthorizeHandshake {
  const { keys, ...others } = config;
  const [getKey, algorithms] = 'secretArn' in keys ? secretKey(keys.secretArn) : keySet(keys.jwksUrl);
  return createAuthorize({ ...others, getKey, algorithms, now });
}

function keySet(jwksUrl: string): [JWTVerifyGetKey, readonly string[]] {
  const options = { timeoutDuration: JWKS_TIMEOUT_MS, cooldownDuration: JWKS_COOLDOWN_MS };
  return [createRemoteJWKSet(new URL(jwksUrl), options), KEY_SET_ALGORITHMS];
}

function secretKey(secretArn: string): [JWTVerifyGetKey, readonly string[]] {
  return [createSecretReader(secretArn), SECRET_ALGORITHMS];
}
