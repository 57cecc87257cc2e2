/** What API Gateway tells of a connection with each event. Identity comes from here alone, never from a frame. */
export interface Connection {
  readonly connectionId: string;
  /** The `sub` of the token, as `authorize` put it into the context. */
  readonly userId: string;
  /** Epoch seconds. */
  readonly tokenExpiresAt: number;
}

/** The part of an API Gateway WebSocket event that the handlers read. */
export interface WebSocketEvent {
  readonly requestContext: {
    readonly connectionId: string;
    readonly routeKey: string;
    readonly requestId: string;
    /** What the authorizer put into its context; API Gateway makes every value a string. */
    readonly authorizer?: Readonly<Record<string, unknown>>;
  };
  readonly body?: string;
}

/** The authorizer's context, as `authorize` returns it and later events carry it. */
export function toContext({ userId, tokenExpiresAt }: Omit<Connection, 'connectionId'>): Record<string, string> {
  return { userId, tokenExpiresAt: String(tokenExpiresAt) };
}

/** @throws Error if the API has no authorizer: without one nobody has an identity. */
export function connectionOf({ requestContext }: WebSocketEvent): Connection {
  const { userId, tokenExpiresAt } = requestContext.authorizer ?? {};
  if (typeof userId !== 'string' || userId === '' || !Number.isSafeInteger(Number(tokenExpiresAt))) {
    throw new Error('The event carries no identity: $connect must have the authorize function as its authorizer.');
  }
  return { connectionId: requestContext.connectionId, userId, tokenExpiresAt: Number(tokenExpiresAt) };
}
