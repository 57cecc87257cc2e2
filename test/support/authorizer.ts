import { type AuthenticateOptions, createAuthenticate } from '../../server/auth/authenticate.ts';
import { type AuthorizeHandshake, createAuthorize } from '../../server/auth/authorize.ts';

export interface TestAuthorizerOptions extends AuthenticateOptions {
  readonly allowedOrigins: readonly string[];
  /** Until when everybody's tokens have been revoked, in epoch seconds. @default they never were */
  readonly revokedUntil?: number;
  /** Whether users have not connected too often. @default true */
  readonly admitted?: boolean;
}

/** The authorizer as it is put together on AWS, without a table. */
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
