import type { Authenticate } from '../server/auth/authenticate.ts';
import type { Capability } from '../server/auth/capability.ts';
import { type Now, toSeconds } from '../server/clock.ts';
import type { TokenOptions } from './options.ts';

/** Mints tokens, and knows its own. */
export interface Tokens {
  mint(user: string, options?: TokenOptions): string;
  /** Accepts the tokens that it has minted and that have not expired. */
  readonly authenticate: Authenticate;
  /** The user of a token, expired or not. */
  userOf(token: string): string | undefined;
}

type Claims = Exclude<Awaited<ReturnType<Authenticate>>, { readonly refused: string }>;

const DEFAULT_EXPIRY_SECONDS = 3_600;

/**
 * Tokens have the shape of a JWT, which the client reads. Nothing signs them: whoever knows one, has it from here.
 * @param defaultCapability The capability of tokens that are to have no other.
 */
export function createTokens(defaultCapability: Capability, now: Now): Tokens {
  const minted = new Map<string, Claims>();
  return {
    mint(user, { capability = defaultCapability, expiresInSeconds = DEFAULT_EXPIRY_SECONDS } = {}) {
      const tokenIssuedAt = toSeconds(now());
      const tokenExpiresAt = tokenIssuedAt + expiresInSeconds;
      // Two tokens of one second differ: a newer one must be another one.
      const claims = { sub: user, iat: tokenIssuedAt, exp: tokenExpiresAt, jti: String(minted.size), capability };
      const token = [{ alg: 'none', typ: 'JWT' }, claims, 'test'].map(encode).join('.');
      minted.set(token, { userId: user, capability, tokenIssuedAt, tokenExpiresAt });
      return token;
    },
    async authenticate(token) {
      const claims = minted.get(token);
      if (!claims) return { refused: 'unknown_token' };
      return claims.tokenExpiresAt > toSeconds(now()) ? claims : { refused: 'unusable_exp' };
    },
    userOf: (token) => minted.get(token)?.userId,
  };
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
