import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isUserId, MAX_TOKEN_LENGTH } from '../../protocol/index.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Claims } from '../connections/connection.ts';
import { type Capability, capabilityOfClaim } from './capability.ts';
import { CLOCK_TOLERANCE_SECONDS } from './revocations.ts';

/** The user and the claims of a token; or the reason why it is refused, for the log only. */
export type Authentication = ({ readonly userId: string } & Claims) | { readonly refused: string };

/** Rejects when the keys are out of reach: then nobody gets in, and the log has the cause. */
export type Authenticate = (token: string) => Promise<Authentication>;

/** An issuer whose tokens are accepted. */
export interface TrustedIssuer {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  /** The value that `audienceClaim` must have or contain. */
  readonly audience: string;
  readonly audienceClaim: 'aud' | 'client_id';
  /** Finds the key of a token: the issuer's key set, or the shared secret. */
  readonly getKey: JWTVerifyGetKey;
  /** The signature algorithms that are trusted with these keys. A token cannot choose another one. */
  readonly algorithms: readonly string[];
}

export interface AuthenticateOptions {
  readonly issuers: readonly TrustedIssuer[];
  /** The capability of tokens without the claim `capability`. */
  readonly defaultCapability: Capability;
  readonly now: Now;
}

/** Algorithms for the keys of an issuer: only asymmetric ones, so that a public key cannot serve as a secret. */
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
  // RFC 9864 names the curve: `EdDSA` names only the family.
  'Ed25519',
];

/** Algorithms for a shared secret. */
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];

/** Three parts of base64url. Decoders accept padding and white space; a token has neither. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** The last second of the year 9999. A later time is in milliseconds by mistake. */
const MAX_EXPIRY_SECONDS = 253_402_300_799;

/** The types of access tokens. Tokens for other purposes (a logout, a proof of possession) have other types. */
const TOKEN_TYPES = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'];

/** The errors that a key source throws because of the token. Any other error means that the keys are out of reach. */
const NO_KEY_FOR_TOKEN = /^ERR_JWKS_(NO|MULTIPLE)_MATCHING_KEYS?$|^ERR_JOSE_NOT_SUPPORTED$/;

/** Tells, through jose, that the keys are out of reach: the client did nothing wrong. */
class KeysUnavailable extends Error {}

export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  return async (token) => {
    const claims = await verify(token, options);
    return typeof claims === 'string' ? { refused: claims } : identify(claims, options);
  };
}

/**
 * Returns the claims, or the reason why the token is invalid. It reads the issuer first, and verifies it with the rest.
 * No token of a stranger can make it throw: a failure of the function sets off an alarm.
 * @throws the error of the key source when the keys are out of reach
 */
async function verify(token: string, { issuers, now }: AuthenticateOptions): Promise<JWTPayload | string> {
  if (token.length > MAX_TOKEN_LENGTH) return 'token_too_large';
  if (!COMPACT.test(token)) return 'malformed_token';
  try {
    const { iss } = decodeJwt(token);
    const issuer = issuers.find((each) => each.issuer === iss);
    if (!issuer) return 'unknown_issuer';
    const { payload } = await jwtVerify(token, keyOf(issuer), {
      issuer: issuer.issuer,
      ...(issuer.audienceClaim === 'aud' && { audience: issuer.audience }),
      algorithms: [...issuer.algorithms],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now()),
    });
    if (issuer.audienceClaim === 'client_id' && payload['client_id'] !== issuer.audience) return 'unusable_client_id';
    return payload;
  } catch (error) {
    if (error instanceof KeysUnavailable) throw error.cause;
    return reasonOf(error);
  }
}

/** Checks that the header is one of an access token, which jose leaves to the application, and finds the key. */
function keyOf({ getKey }: TrustedIssuer): JWTVerifyGetKey {
  return async (header, token) => {
    const { typ, kid }: Readonly<Record<string, unknown>> = header;
    if (kid !== undefined && typeof kid !== 'string') throw new errors.JWSInvalid('"kid" must be a string');
    if (typ !== undefined && !(typeof typ === 'string' && TOKEN_TYPES.includes(typ.toLowerCase()))) {
      throw new errors.JWTInvalid('"typ" must be that of an access token');
    }
    try {
      return await getKey(header, token);
    } catch (cause) {
      if (cause instanceof errors.JOSEError && NO_KEY_FOR_TOKEN.test(cause.code)) throw cause;
      throw new KeysUnavailable('The keys cannot be had', { cause });
    }
  };
}

/** Why a token is invalid: the names of errors and claims, never their values. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed) return `${error.code}:${error.claim}`;
  if (error instanceof errors.JOSEError) return error.code;
  // For a key that it cannot use (an RSA key that is too short), jose throws an error of the platform.
  return `unverifiable:${error instanceof Error ? error.name : typeof error}`;
}

function identify(claims: JWTPayload, { defaultCapability, now }: AuthenticateOptions): Authentication {
  const { sub, aud, exp, iat, capability: claim } = claims;
  const nowSeconds = toSeconds(now());
  if (!isUserId(sub)) return { refused: 'unusable_sub' };
  if (aud !== undefined && ![aud].flat().every((each) => typeof each === 'string')) return { refused: 'unusable_aud' };
  // A time may have a fraction (RFC 7519, section 2). Rounded down, the token ends earlier, and counts as issued
  // earlier.
  const expiresAt = Math.floor(exp ?? Number.NaN);
  if (!(expiresAt > nowSeconds && expiresAt <= MAX_EXPIRY_SECONDS)) return { refused: 'unusable_exp' };
  if (iat !== undefined && !(Number.isFinite(iat) && iat <= nowSeconds + CLOCK_TOLERANCE_SECONDS)) {
    return { refused: 'unusable_iat' };
  }
  const capability = claim === undefined ? defaultCapability : capabilityOfClaim(claim);
  if (!capability) return { refused: 'unusable_capability' };
  const tokenIssuedAt = iat === undefined ? {} : { tokenIssuedAt: Math.floor(iat) };
  return { userId: sub, tokenExpiresAt: expiresAt, capability, ...tokenIssuedAt };
}
