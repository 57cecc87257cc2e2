import type { Claims } from '../connections/connection.ts';
import type { Authenticate } from './authenticate.ts';
import { credentialsOf } from './credentials.ts';
import { type Handshake, headerValues } from './handshake.ts';
import { createOriginCheck } from './origins.ts';
import { isRevoked, type Revocations } from './revocations.ts';

/** Whether a handshake may continue. `reason` is for the log: the client sees only the status. */
export type Decision =
  | ({ readonly outcome: 'allowed'; readonly userId: string } & Claims)
  | { readonly outcome: 'unauthorized' | 'forbidden' | 'rate_limited'; readonly reason: string };

export type AuthorizeHandshake = (handshake: Handshake) => Promise<Decision>;

export interface AuthorizeOptions {
  readonly authenticate: Authenticate;
  readonly revocations: Pick<Revocations, 'admitHandshake'>;
  /** Origins of pages that may connect; `*` allows all. A value that is not an origin allows nothing. */
  readonly allowedOrigins: readonly string[];
}

/** Decides on handshakes. Rejects when it cannot verify a token: then nobody gets in, and the log has the cause. */
export function createAuthorize({ authenticate, revocations, allowedOrigins }: AuthorizeOptions): AuthorizeHandshake {
  const isAllowedOrigin = createOriginCheck(allowedOrigins);
  return async (handshake) => {
    const { domainName } = handshake.requestContext ?? {};
    if (!headerValues(handshake, 'origin').every((origin) => isAllowedOrigin(origin, domainName)))
      return { outcome: 'forbidden', reason: 'origin_not_allowed' };
    const credentials = credentialsOf(handshake);
    if ('refused' in credentials) return { outcome: 'unauthorized', reason: credentials.refused };
    const identity = await authenticate(credentials.token);
    if ('refused' in identity) return { outcome: 'unauthorized', reason: identity.refused };
    const { admitted, revokedUntil } = await revocations.admitHandshake(identity.userId);
    if (isRevoked(identity, revokedUntil)) return { outcome: 'unauthorized', reason: 'revoked' };
    if (!admitted) return { outcome: 'rate_limited', reason: 'too_many_handshakes' };
    return { outcome: 'allowed', ...identity };
  };
}
