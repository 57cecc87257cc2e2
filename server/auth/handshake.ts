import type { ErrorCode } from '../../protocol/index.ts';
import { parseSubprotocols, SUBPROTOCOL } from '../../protocol/subprotocols.ts';
import { REFUSED_CONTEXT } from '../connections/connection.ts';
import type { Logger } from '../logger.ts';

type Values = Readonly<Record<string, readonly string[]>>;
type Value = Readonly<Record<string, string>>;

/** A handshake, as a REQUEST authorizer and the function of `$connect` get it. */
export interface Handshake {
  /** Every line of each header, under its name as the client wrote it. */
  readonly multiValueHeaders?: Values | null;
  /** The last line of each header: read only if there is nothing else. */
  readonly headers?: Value | null;
  readonly multiValueQueryStringParameters?: Values | null;
  readonly queryStringParameters?: Value | null;
  readonly requestContext?: {
    readonly requestId?: string;
    readonly connectionId?: string;
    /** The host name that the client connects to: the API's own, or a custom one. */
    readonly domainName?: string;
    /** The context that `authorize` has returned. Absent in the event of `authorize` itself. */
    readonly authorizer?: Readonly<Record<string, unknown>>;
  };
}

/** Every line of a header. The name is case-insensitive. */
export function headerValues({ multiValueHeaders, headers }: Handshake, name: string): readonly string[] {
  const lines: Readonly<Record<string, string | readonly string[]>> = multiValueHeaders ?? headers ?? {};
  return Object.entries(lines).flatMap(([key, values]) => (key.toLowerCase() === name ? values : []));
}

/**
 * The subprotocols in all lines of `Sec-WebSocket-Protocol` (RFC 6455, section 11.3.4); `undefined` without such a
 * line.
 */
export function subprotocolsOf(handshake: Handshake): ReturnType<typeof parseSubprotocols> | undefined {
  const lines = headerValues(handshake, 'sec-websocket-protocol');
  return lines.length > 0 ? parseSubprotocols(lines.join(',')) : undefined;
}

/** What `$connect` returns. */
export interface HandshakeResponse {
  readonly statusCode: 200 | 400 | 429;
  readonly headers?: { readonly 'Sec-WebSocket-Protocol': typeof SUBPROTOCOL };
}

/**
 * `$connect`: chooses the subprotocol, and answers 429 where `authorize` says so in its context. A client that offers no
 * subprotocol (a tool that sends a header) may connect; one that offers only others speaks another version, and gets 400.
 */
export function createConnect({ log }: { readonly log: Logger }): (handshake: Handshake) => HandshakeResponse {
  return (handshake) => {
    const { requestId, connectionId, authorizer } = handshake.requestContext ?? {};
    // `authorize` has counted this refusal.
    if (authorizer?.['refused'] === REFUSED_CONTEXT.refused) return { statusCode: 429 };
    const offered = subprotocolsOf(handshake);
    if (!offered) return { statusCode: 200 };
    if (offered.names.includes(SUBPROTOCOL)) {
      return { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } };
    }
    log({
      route: '$connect',
      outcome: 'unsupported_version' satisfies ErrorCode,
      ...(requestId !== undefined && { requestId }),
      ...(connectionId !== undefined && { connectionId }),
      metrics: { HandshakesRefused: 1 },
    });
    return { statusCode: 400 };
  };
}
