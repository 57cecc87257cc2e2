import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isUserId, MAX_TOKEN_LENGTH } from '../protocol/index.ts';
import { type Capability, parseCapability } from './capability.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Claims } from './connection.ts';

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
];

/** Algorithms for a shared secret. */
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];

/** How far the issuer's clock may be off, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** Three parts of base64url, without the padding and white space that decoders overlook. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** The last second of the year 9999: whoever says more has given milliseconds. */
const MAX_EXPIRY_SECONDS = 253_402_300_799;

/** Tokens for other purposes (a logout, a proof of possession) have a type that says so. */
const TOKEN_TYPES = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'];

/** What makes a token invalid. Any other failure (the issuer cannot be reached) is not the client's, and is thrown. */
const INVALID_TOKEN =
  /^ERR_(JWT|JWS)_|^ERR_JWKS_(NO|MULTIPLE)_MATCHING_KEYS?$|^ERR_JOSE_(ALG_NOT_ALLOWED|NOT_SUPPORTED)$/;

export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  return async (token) => {
    const claims = await verify(token, options);
    return typeof claims === 'string' ? { refused: claims } : identify(claims, options);
  };
}

/** The claims, or the reason why the token is invalid. Who has issued it is looked at first, and verified with the rest. */
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
    if (!(error instanceof errors.JOSEError && INVALID_TOKEN.test(error.code))) throw error;
    return error instanceof errors.JWTClaimValidationFailed ? `${error.code}:${error.claim}` : error.code;
  }
}

/** Finds the key for a header that is that of an access token: what jose leaves to the application. */
function keyOf({ getKey }: TrustedIssuer): JWTVerifyGetKey {
  return (header, token) => {
    const { typ, kid }: Readonly<Record<string, unknown>> = header;
    if (kid !== undefined && typeof kid !== 'string') throw new errors.JWSInvalid('"kid" must be a string');
    if (typ !== undefined && !TOKEN_TYPES.includes(String(typ).toLowerCase())) {
      throw new errors.JWTInvalid('"typ" must be that of an access token');
    }
    return getKey(header, token);
  };
}

function identify(claims: JWTPayload, { defaultCapability, now }: AuthenticateOptions): Authentication {
  const { sub, exp, iat, capability: claim = defaultCapability } = claims;
  const nowSeconds = toSeconds(now());
  if (!isUserId(sub)) return { refused: 'unusable_sub' };
  if (exp === undefined || !Number.isSafeInteger(exp) || exp <= nowSeconds || exp > MAX_EXPIRY_SECONDS) {
    return { refused: 'unusable_exp' };
  }
  if (iat !== undefined && iat > nowSeconds + CLOCK_TOLERANCE_SECONDS) {
    return { refused: 'unusable_iat' };
  }
  const capability = parseCapability(claim);
  if (!capability) return { refused: 'unusable_capability' };
  return { userId: sub, tokenExpiresAt: exp, capability, ...(iat !== undefined && { tokenIssuedAt: iat }) };
}
