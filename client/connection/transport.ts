import type { Environment, WebSocketLike } from '../environment.ts';

/** How a socket ended. */
export interface TransportEnd {
  /** Whether it had been open: without, the handshake failed. */
  readonly opened: boolean;
  /** The code of the close frame, or 1006 when there was none. */
  readonly closeCode: number;
  /** The status with which the handshake was refused, where the runtime tells: the package `ws` does. */
  readonly httpStatus?: number;
}

export interface TransportHandlers {
  onOpen(): void;
  /** `undefined` for a binary frame. */
  onText(text: string | undefined): void;
  /** Once, and nothing after it. Not called after `close` or `terminate`. */
  onEnd(end: TransportEnd): void;
}

/** One socket, with the differences between runtimes taken away. */
export interface Transport {
  send(text: string): void;
  /** Takes leave with a close frame. */
  close(): void;
  /** Gives the socket up at once; a browser may keep a dead one for minutes before it says so. */
  terminate(): void;
}

/** The normal end of a connection, RFC 6455 section 7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_ABNORMAL = 1006;

/** @throws SyntaxError when a subprotocol has characters that it cannot have. */
export function openTransport(
  environment: Pick<Environment, 'openSocket'>,
  url: string,
  protocols: readonly string[],
  handlers: TransportHandlers,
): Transport {
  const socket = environment.openSocket(url, [...protocols]);
  let opened = false;
  const detach = () => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    // Kept: `ws` throws an error that nobody listens for, and ending a socket in the middle of its handshake is one.
    socket.onerror = () => {};
  };
  const end = (how: TransportEnd) => {
    detach();
    handlers.onEnd(how);
  };
  socket.onopen = () => {
    opened = true;
    handlers.onOpen();
  };
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    handlers.onText(typeof data === 'string' ? data : undefined);
  };
  socket.onerror = ({ message }: { readonly message?: string }) => {
    // After a handshake that failed, Node's own WebSocket has no close event. Later on, one follows everywhere.
    if (!opened) end({ opened, closeCode: CLOSE_ABNORMAL, ...statusOfRefusal(message) });
  };
  socket.onclose = ({ code = CLOSE_ABNORMAL }: { readonly code?: number }) => end({ opened, closeCode: code });
  return {
    send: (text) => socket.send(text),
    close: () => {
      detach();
      socket.close(CLOSE_NORMAL);
    },
    terminate: () => {
      detach();
      endNow(socket);
    },
  };
}

function endNow(socket: WebSocketLike): void {
  if (socket.terminate) socket.terminate();
  else socket.close();
}

/** `ws` has the status in the message of its error event; browsers and Node's own WebSocket do not tell it. */
function statusOfRefusal(message: string | undefined): Pick<TransportEnd, 'httpStatus'> {
  const status = /response: (\d{3})$/.exec(message ?? '')?.[1];
  return status === undefined ? {} : { httpStatus: Number(status) };
}
