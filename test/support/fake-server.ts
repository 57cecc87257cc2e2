import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type ClientFrame, type Limits, parseSubprotocols, SUBPROTOCOL } from '../../protocol/index.ts';
import { FakeHub } from './fake-hub.ts';

export interface FakeServerOptions {
  /** Default: any free port. */
  readonly port?: number;
  readonly limits?: Partial<Limits>;
  /** The most messages of one page of a resume. Default: 100. */
  readonly pageMessages?: number;
  /** The status that refuses a handshake with this token. Default: refuses none. */
  readonly refuse?: (token: string) => number | undefined;
  /** Decides whether to answer a frame. Default: answers all. */
  readonly treat?: (frame: ClientFrame, socket: WebSocket) => 'answer' | 'ignore' | 'work silently';
}

export interface FakeServer {
  readonly url: string;
  readonly port: number;
  /** The open sockets, by user. */
  readonly users: ReadonlyMap<string, ReadonlySet<WebSocket>>;
  /** Every received frame, oldest first. */
  readonly frames: readonly ClientFrame[];
  /** Breaks every connection without a close frame. */
  cut(): void;
  stop(): Promise<void>;
}

/**
 * Starts a server that speaks the wire contract over real sockets, from memory. The token *is* the user's name. Use it to test
 * the client's sockets; test the server's rules with the real server.
 */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const http = createServer((_, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => SUBPROTOCOL });
  const hub = new FakeHub(options);
  http.on('upgrade', (request, socket, head) => {
    const [token = ''] = parseSubprotocols(request.headers['sec-websocket-protocol'] ?? '').tokens;
    const status = options.refuse?.(token);
    if (status !== undefined) refuse(socket, status);
    else
      sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket, _: IncomingMessage) =>
        hub.connect(token, webSocket),
      );
  });
  const port = await listen(http, options.port ?? 0);
  const cut = () => {
    for (const socket of sockets.clients) socket.terminate();
  };
  return {
    url: `ws://127.0.0.1:${port}/prod`,
    port,
    users: hub.users,
    frames: hub.frames,
    cut,
    stop: () => {
      cut();
      return new Promise((resolve) => http.close(() => resolve()));
    },
  };
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
