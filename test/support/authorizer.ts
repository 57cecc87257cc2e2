import { type AuthenticateOptions, createAuthenticate } from '../../server/auth/authenticate.ts';
import { type AuthorizeHandshake, createAuthorize } from '../../server/auth/authorize.ts';

export interface TestAuthorizerOptions extends AuthenticateOptions {
  readonly allowedOrigins: readonly string[];
  /** Tokens of all users issued before this time are revoked, in epoch seconds. @default none are */
  readonly revokedUntil?: number;
  /** Whether the rate of handshakes allows a connection. @default true */
  readonly admitted?: boolean;
}

/** Wires the authorizer as on AWS, with fakes in place of the table. */
export function createTestAuthorizer(options: TestAuthorizerOptions): AuthorizeHandshake {
  const { allowedOrigins, revokedUntil, admitted = true, ...others } = options;
  return createAuthorize({
    authenticate: createAuthenticate(others),
    revocations: {
      admitHandshake: async () => ({ admitted, ...(revokedUntil !== undefined && { revokedUntil }) }),
    },
    allowedOrigins,
  });
}
