import type { RawData, WebSocket } from 'ws';
import type { ConnectionFacts, Ending } from './events.ts';
import type { Gateway } from './gateway.ts';
import { watchLifetime } from './lifetime.ts';
import { CLIENT_BUFFER_BYTES } from './limits.ts';

/** An open connection. It is `open`, then `closed`, at once for the service, though the client may take its time. */
export interface Connection {
  readonly facts: ConnectionFacts;
  /** When the last data message passed, in either direction. */
  lastActiveAtMs(): number;
  /** Sends a text message; false, and nothing sent, when the client does not read what was sent before. */
  send(text: string): boolean;
  /** Closes from the server's side; does nothing when it is closed. */
  close(ending: Ending): void;
  /** Breaks the TCP connection; used when the local cloud shuts down and the client does not answer. */
  terminate(): void;
}

export interface ConnectionEvents {
  message(text: string): void;
  /** Once. `isClean` is false when the connection was lost without a close frame. */
  closed(ending: Ending, isClean: boolean): void;
  /** Once, when nothing is left of the socket. */
  gone(): void;
}

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const ABNORMAL_CLOSURE = 1006;
const UNSUPPORTED_DATA = { statusCode: 1003, reason: '' };
/** Captured from AWS, for the idle timeout. */
const GOING_AWAY = { statusCode: 1001, reason: 'Going away' };
const NO_STATUS_REASON = 'Client-side close frame status not set';

/** Serves an accepted WebSocket until it ends. */
export function openConnection(
  gateway: Gateway,
  facts: ConnectionFacts,
  socket: WebSocket,
  events: ConnectionEvents,
): Connection {
  const { clock, faults } = gateway;
  let isOpen = true;
  let lastActiveAtMs = clock.now();

  const end = (ending: Ending, isClean: boolean): void => {
    if (!isOpen) return;
    isOpen = false;
    cancelLifetime();
    events.closed(ending, isClean);
  };
  const isCut = (direction: 'in' | 'out'): boolean => {
    const { connectionId, stage } = facts;
    const fault = faults.strike('socket', { direction, connectionId, apiId: stage.api.apiId, stage: stage.stageName });
    if (fault?.kind === 'cut') socket.terminate();
    return fault?.kind === 'cut';
  };
  const connection: Connection = {
    facts,
    lastActiveAtMs: () => lastActiveAtMs,
    send: (text) => {
      if (!isOpen || isCut('out')) return true;
      if (socket.bufferedAmount + Buffer.byteLength(text) > CLIENT_BUFFER_BYTES) return false;
      lastActiveAtMs = clock.now();
      socket.send(text);
      return true;
    },
    close: (ending) => {
      if (!isOpen) return;
      socket.close(ending.statusCode, ending.reason);
      end(ending, true);
    },
    terminate: () => socket.terminate(),
  };
  const receive = (data: RawData, isBinary: boolean): void => {
    if (!isOpen || isCut('in')) return;
    if (isBinary) {
      connection.close(UNSUPPORTED_DATA);
      return;
    }
    lastActiveAtMs = clock.now();
    events.message(data.toString());
  };
  const cancelLifetime = watchLifetime(
    clock,
    facts.connectedAtMs,
    () => lastActiveAtMs,
    () => connection.close(GOING_AWAY),
  );
  socket.on('message', receive);
  socket.on('error', (error) => end({ statusCode: closeCodeOf(error), reason: '' }, true));
  socket.on('close', (statusCode, reason) => {
    end(clientEnding(statusCode, reason.toString()), statusCode !== ABNORMAL_CLOSURE);
    events.gone();
  });
  return connection;
}

function clientEnding(statusCode: number, reason: string): Ending {
  return { statusCode, reason: statusCode === 1005 ? NO_STATUS_REASON : reason };
}

/** The close code that ws has sent because of a protocol error; `code` is one of those of ws's manual. */
function closeCodeOf(error: Error & { readonly code?: string }): number {
  switch (error.code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return 1009;
    case 'WS_ERR_INVALID_UTF8':
      return 1007;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 1008;
    default:
      return 1002;
  }
}
