import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isUserId, MAX_TOKEN_LENGTH } from '../../protocol/index.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Claims } from '../connections/connection.ts';
import { type Capability, capabilityOfClaim } from './capability.ts';
import { CLOCK_TOLERANCE_SECONDS } from './revocations.ts';

/** Who a token is of, and what it says; or why it is refused, for the log alone. */
export type Authentication = ({ readonly userId: string } & Claims) | { readonly refused: string };

/** Rejects when the keys cannot be had: then nobody is let in, and the cause is in the log. */
export type Authenticate = (token: string) => Promise<Authentication>;

/** Someone whose tokens are accepted. */
export interface TrustedIssuer {
  /** The `iss` of its tokens, to the letter. */
  readonly issuer: string;
  /** What `audienceClaim` must be, or contain. */
  readonly audience: string;
  readonly audienceClaim: 'aud' | 'client_id';
  /** Finds the key of a token: the issuer's key set, or the shared secret. */
  readonly getKey: JWTVerifyGetKey;
  /** The signature algorithms that are trusted with these keys; a token cannot choose another. */
  readonly algorithms: readonly string[];
}

export interface AuthenticateOptions {
  readonly issuers: readonly TrustedIssuer[];
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
  // RFC 9864 names the curve instead: `EdDSA` says only the family.
  'Ed25519',
];

/** Algorithms for a shared secret. */
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];

/** Three parts of base64url, without the padding and white space that decoders overlook. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** The last second of the year 9999: whoever says more has given milliseconds. */
const MAX_EXPIRY_SECONDS = 253_402_300_799;

/** Tokens for other purposes (a logout, a proof of possession) have a type that says so. */
const TOKEN_TYPES = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'];

/** What a key source throws because of the token. Anything else that it throws means that there are no keys to be had. */
const NO_KEY_FOR_TOKEN = /^ERR_JWKS_(NO|MULTIPLE)_MATCHING_KEYS?$|^ERR_JOSE_NOT_SUPPORTED$/;

/** Carries out of jose that the keys cannot be had, which is not the client's fault. */
class KeysUnavailable extends Error {}

export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  return async (token) => {
    const claims = await verify(token, options);
    return typeof claims === 'string' ? { refused: claims } : identify(claims, options);
  };
}

/**
 * The claims, or the reason why the token is invalid. Reads the issuer first, and verifies it with the rest.
 * Nothing that a stranger writes into a token can make it throw: a failure of the function sets off an alarm.
 * @throws what the key source threw when there are no keys to be had
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

/** Finds the key for a header that is that of an access token: what jose leaves to the application. */
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

/** Why a token is invalid: names of errors and claims, never what the token says. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed) return `${error.code}:${error.claim}`;
  if (error instanceof errors.JOSEError) return error.code;
  // jose complains about a key that it cannot use (an RSA key that is too short) with an error of the platform.
  return `unverifiable:${error instanceof Error ? error.name : typeof error}`;
}

function identify(claims: JWTPayload, { defaultCapability, now }: AuthenticateOptions): Authentication {
  const { sub, aud, exp, iat, capability: claim } = claims;
  const nowSeconds = toSeconds(now());
  if (!isUserId(sub)) return { refused: 'unusable_sub' };
  if (aud !== undefined && ![aud].flat().every((each) => typeof each === 'string')) return { refused: 'unusable_aud' };
  // A time may have a fraction (RFC 7519, section 2). Rounded down, a token ends earlier, and counts as issued earlier.
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
