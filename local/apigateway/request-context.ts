/** The output of an authorizer, flattened: `principalId` and its context, every value a string. */
export type AuthorizerContext = Readonly<Record<string, string>>;

/** `event.requestContext`, with its fields in AWS's order. */
export interface RequestContext {
  readonly routeKey: string;
  readonly authorizer?: AuthorizerContext;
  readonly messageId?: string;
  readonly disconnectStatusCode?: number;
  readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
  readonly extendedRequestId: string;
  readonly requestTime: string;
  readonly messageDirection: 'IN';
  readonly disconnectReason?: string;
  readonly stage: string;
  readonly connectedAt: number;
  readonly requestTimeEpoch: number;
  readonly identity: { readonly userAgent?: string; readonly sourceIp: string };
  readonly requestId: string;
  readonly domainName: string;
  readonly connectionId: string;
  readonly apiId: string;
}
