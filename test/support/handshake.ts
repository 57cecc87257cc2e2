import { connect, type Socket } from 'node:net';

/** A handshake over a raw socket. It shows bytes that a WebSocket client would hide. */
export interface RawHandshake {
  readonly socket: Socket;
  /** Everything received so far. */
  received(): string;
  /** Resolves when the server sends something. */
  readonly answered: Promise<void>;
  /** Resolves with everything received, when the server has closed the socket. */
  readonly ended: Promise<string>;
}

export interface RawHandshakeOptions {
  readonly headers?: readonly string[];
  /** Replaces the default headers. */
  readonly webSocketHeaders?: readonly string[];
  /** Bytes to send right after the request, before the answer. */
  readonly early?: Buffer;
}

const WEBSOCKET_HEADERS = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];

export function rawHandshake(
  port: number,
  path: string,
  { headers = [], webSocketHeaders = WEBSOCKET_HEADERS, early = Buffer.alloc(0) }: RawHandshakeOptions = {},
): RawHandshake {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  const received = (): string => Buffer.concat(chunks).toString('latin1');
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...webSocketHeaders,
    ...headers,
  ];
  socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), early]));
  return {
    socket,
    received,
    answered: new Promise((resolve) => socket.once('data', () => resolve())),
    ended: new Promise((resolve) => socket.on('close', () => resolve(received()))),
  };
}
