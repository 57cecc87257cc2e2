import { type Capability, parseCapability } from '../auth/capability.ts';

/** The claims of a token, beside its user. */
export interface Claims {
  /** Epoch seconds. */
  readonly tokenExpiresAt: number;
  readonly capability: Capability;
  /** Epoch seconds. Absent: the token has no such claim. */
  readonly tokenIssuedAt?: number;
}

/**
 * What API Gateway tells of a connection with each event. Identity comes only from here, never from a frame. The claims
 * are those of the token that opened the connection; the directory may have newer ones.
 */
export interface Connection extends Claims {
  readonly connectionId: string;
  /** The `sub` of the token, as `authorize` put it into the context. */
  readonly userId: string;
}

/** The part of an API Gateway WebSocket event that the handlers read. */
export interface WebSocketEvent {
  readonly requestContext: {
    readonly connectionId: string;
    readonly routeKey: string;
    readonly requestId: string;
    /** Epoch milliseconds: when API Gateway received the event. */
    readonly requestTimeEpoch?: number;
    /** The authorizer's context. API Gateway makes every value a string. */
    readonly authorizer?: Readonly<Record<string, unknown>>;
  };
  readonly body?: string;
}

/**
 * The authorizer's context for a handshake that `$connect` must refuse: an authorizer can answer only 401, 403 and 500.
 * It has no identity: if such a connection opened, it could do nothing.
 */
export const REFUSED_CONTEXT = { refused: 'rate_limited' } as const;

/** The authorizer's context, as `authorize` returns it and later events contain it. */
export function toContext(connection: Omit<Connection, 'connectionId'>): Record<string, string> {
  const { userId, tokenExpiresAt, tokenIssuedAt, capability } = connection;
  return {
    userId,
    tokenExpiresAt: String(tokenExpiresAt),
    capability: JSON.stringify(capability),
    ...(tokenIssuedAt !== undefined && { tokenIssuedAt: String(tokenIssuedAt) }),
  };
}

/** @throws Error if the API has no authorizer: then the connection has no identity */
export function connectionOf({ requestContext }: WebSocketEvent): Connection {
  const { userId, tokenExpiresAt, tokenIssuedAt, capability: text } = requestContext.authorizer ?? {};
  const capability = typeof text === 'string' ? parseCapability(JSON.parse(text)) : undefined;
  if (typeof userId !== 'string' || userId === '' || !Number.isSafeInteger(Number(tokenExpiresAt)) || !capability) {
    throw new Error('The event carries no identity: $connect must have the authorize function as its authorizer.');
  }
  return {
    connectionId: requestContext.connectionId,
    userId,
    tokenExpiresAt: Number(tokenExpiresAt),
    capability,
    ...(tokenIssuedAt !== undefined && { tokenIssuedAt: Number(tokenIssuedAt) }),
  };
}
