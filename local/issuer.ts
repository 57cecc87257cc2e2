import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { ISSUER_KEY_FILE } from './data-directory.ts';
import { isObject } from './json.ts';

/** Signs tokens for local development, instead of a real identity provider. */
export interface Issuer {
  readonly url: string;
  /** @param names those of the issuer that this one stands in for. Default: its own */
  openidConfiguration(names?: { readonly issuer: string; readonly jwksUrl: string }): Readonly<Record<string, unknown>>;
  jwks(): { readonly keys: readonly JWK[] };
  /** Returns a signed JWT. @throws ClaimsError for claims that make no token */
  token(claims: unknown): Promise<string>;
  /** Replaces its own `iss` and `aud` in tokens whose claims set neither. */
  issueAs(claims: Readonly<Record<string, string>>): void;
}

/** Claims that make no token. The message contains the reason. */
export class ClaimsError extends Error {
  override readonly name = 'ClaimsError';
}

export interface IssuerOptions {
  /** The address of its endpoints, e.g. `http://127.0.0.1:4600/_local`: the value of `iss`. */
  readonly url: string;
  /** The folder for the key, so that tokens outlive a restart. Default: a new key each time. */
  readonly dataDirectory?: string | undefined;
  /** The `aud` of tokens whose claims set none. Default: `beckon`. */
  readonly audience?: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The default `aud` of tokens. */
export const DEFAULT_AUDIENCE = 'beckon';

const ALGORITHM = 'ES256';
const DEFAULT_LIFETIME_SECONDS = 3600;
const MAX_LIFETIME_SECONDS = 10 * 365 * 24 * 3600;

export async function createIssuer({
  url,
  dataDirectory,
  audience = DEFAULT_AUDIENCE,
  now,
}: IssuerOptions): Promise<Issuer> {
  const privateJwk = await loadKey(dataDirectory);
  const key = await importJWK(privateJwk, ALGORITHM);
  const { d: _, ...publicJwk } = privateJwk;
  let defaults: Readonly<Record<string, string>> = { iss: url, aud: audience };
  return {
    url,
    openidConfiguration: (names = { issuer: url, jwksUrl: `${url}/.well-known/jwks.json` }) => ({
      issuer: names.issuer,
      jwks_uri: names.jwksUrl,
      token_endpoint: `${url}/token`,
      id_token_signing_alg_values_supported: [ALGORITHM],
      response_types_supported: ['token'],
      subject_types_supported: ['public'],
    }),
    jwks: () => ({ keys: [publicJwk] }),
    issueAs(claims) {
      defaults = claims;
    },
    token(claims) {
      const issuedAt = Math.floor(now() / 1000);
      const { expiresInSeconds, ...own } = checkClaims(claims);
      const expiresAt = issuedAt + (expiresInSeconds ?? DEFAULT_LIFETIME_SECONDS);
      const payload = { ...defaults, iat: issuedAt, exp: expiresAt, jti: randomUUID(), ...own };
      return new SignJWT(payload)
        .setProtectedHeader({ alg: ALGORITHM, kid: String(publicJwk.kid), typ: 'JWT' })
        .sign(key);
    },
  };
}

interface Claims {
  readonly sub: string;
  readonly expiresInSeconds?: number;
  readonly [claim: string]: unknown;
}

function checkClaims(claims: unknown): Claims {
  if (!isObject(claims)) throw new ClaimsError('expected a JSON object of claims, such as {"sub": "bob"}');
  const { sub, expiresInSeconds, ...others } = claims;
  if (typeof sub !== 'string' || sub === '') throw new ClaimsError('"sub", the user\'s id, must be a non-empty text');
  for (const name of ['exp', 'nbf', 'iat']) {
    const value = others[name];
    if (value !== undefined && !Number.isFinite(value)) throw new ClaimsError(`"${name}" must be epoch seconds`);
  }
  if (expiresInSeconds === undefined) return { ...others, sub };
  const isLifetime = typeof expiresInSeconds === 'number' && Number.isInteger(expiresInSeconds);
  if (!isLifetime || Math.abs(expiresInSeconds) > MAX_LIFETIME_SECONDS) {
    throw new ClaimsError('"expiresInSeconds" must be a whole number of seconds (below 0 for an expired token)');
  }
  if (others['exp'] !== undefined) throw new ClaimsError('give either "exp" or "expiresInSeconds"');
  return { ...others, sub, expiresInSeconds };
}

/** Returns the private key, from the data directory if it has one. */
async function loadKey(dataDirectory: string | undefined): Promise<JWK> {
  const file = dataDirectory === undefined ? undefined : join(dataDirectory, ISSUER_KEY_FILE);
  if (file !== undefined && existsSync(file)) return readKey(file);
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const named = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: ALGORITHM, use: 'sig' };
  if (file !== undefined) writeFileSync(file, JSON.stringify(named), { mode: 0o600 });
  return named;
}

function readKey(file: string): JWK {
  try {
    const jwk: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isObject(jwk) && jwk['kty'] === 'EC' && typeof jwk['d'] === 'string' && typeof jwk['kid'] === 'string') {
      return { ...jwk, kty: 'EC' };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(`${file} does not contain the issuer's key; delete the file to get a new key`);
}
