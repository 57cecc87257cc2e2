import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isUserId } from '../protocol/index.ts';
import { type Capability, parseCapability } from './capability.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Claims } from './connection.ts';
import { credentialsOf, type Handshake, headerValues } from './credentials.ts';

/** Whether a handshake may go on. `reason` is for the log: the client learns the status only. */
export type Decision =
  | ({ readonly outcome: 'allowed'; readonly userId: string } & Claims)
  | { readonly outcome: 'unauthorized' | 'forbidden'; readonly reason: string };

export type AuthorizeHandshake = (handshake: Handshake) => Promise<Decision>;

/** Whose tokens are accepted. */
export interface AuthorizeOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Finds the key of a token: the issuer's key set, or the shared secret. */
  readonly getKey: JWTVerifyGetKey;
  /** The signature algorithms that are trusted with these keys; a token cannot choose another. */
  readonly algorithms: readonly string[];
  /** Origins of pages that may connect; `*` allows all. */
  readonly allowedOrigins: readonly string[];
  /** What tokens without the claim `capability` allow. */
  readonly defaultCapability: Capability;
  readonly now: Now;
}

/** Algorithms for the keys of an issuer: asymmetric only, so that a public key cannot serve as a secret. */
export const KEY_SET_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

/** Algorithms for a shared secret. */
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];

/** How far the issuer's clock may be off, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** What makes a token invalid. Any other failure (the issuer cannot be reached) is not the client's, and is thrown. */
const INVALID_TOKEN =
  /^ERR_(JWT|JWS)_|^ERR_JWKS_(NO|MULTIPLE)_MATCHING_KEYS?$|^ERR_JOSE_(ALG_NOT_ALLOWED|NOT_SUPPORTED)$/;

/** Decides on handshakes. Rejects when the keys cannot be had: then nobody gets in, and the cause is in the log. */
export function createAuthorize(options: AuthorizeOptions): AuthorizeHandshake {
  return async (handshake) => {
    const origin = headerValues(handshake, 'origin').find((value) => !isAllowed(value, options.allowedOrigins));
    if (origin !== undefined) return { outcome: 'forbidden', reason: 'origin_not_allowed' };
    const credentials = credentialsOf(handshake);
    if ('refused' in credentials) return { outcome: 'unauthorized', reason: credentials.refused };
    const claims = await verify(credentials.token, options);
    return typeof claims === 'string' ? { outcome: 'unauthorized', reason: claims } : identify(claims, options);
  };
}

function isAllowed(origin: string, allowedOrigins: readonly string[]): boolean {
  return allowedOrigins.includes('*') || allowedOrigins.includes(origin);
}

/** The claims, or the reason why the token is invalid. */
async function verify(token: string, options: AuthorizeOptions): Promise<JWTPayload | string> {
  try {
    const { payload } = await jwtVerify(token, options.getKey, {
      issuer: options.issuer,
      audience: options.audience,
      algorithms: [...options.algorithms],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(options.now()),
    });
    return payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError && INVALID_TOKEN.test(error.code))) throw error;
    return error instanceof errors.JWTClaimValidationFailed ? `${error.code}:${error.claim}` : error.code;
  }
}

function identify(claims: JWTPayload, { defaultCapability, now }: AuthorizeOptions): Decision {
  const { sub, exp, capability: claim = defaultCapability } = claims;
  if (!isUserId(sub)) return { outcome: 'unauthorized', reason: 'unusable_sub' };
  if (!Number.isSafeInteger(exp) || exp === undefined || exp <= toSeconds(now())) {
    return { outcome: 'unauthorized', reason: 'unusable_exp' };
  }
  const capability = parseCapability(claim);
  if (!capability) return { outcome: 'unauthorized', reason: 'unusable_capability' };
  return { outcome: 'allowed', userId: sub, tokenExpiresAt: exp, capability };
}
