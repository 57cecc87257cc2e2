import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type ClientFrame,
  DEFAULT_LIMITS,
  type Limits,
  type MessageInput,
  parseSubprotocols,
  type SendResult,
  type ServerFrame,
  SUBPROTOCOL,
} from '../../protocol/index.ts';

export interface FakeServerOptions {
  /** Default: any free one. */
  readonly port?: number;
  readonly limits?: Partial<Limits>;
  /** The status with which to refuse a handshake with this token. Default: `() => undefined`, refuses none. */
  readonly refuse?: (token: string) => number | undefined;
  /** What to do with a frame instead of answering it. Default: `() => 'answer'`. */
  readonly treat?: (frame: ClientFrame, socket: WebSocket) => 'answer' | 'ignore' | 'work silently';
}

export interface FakeServer {
  readonly url: string;
  readonly port: number;
  /** The sockets that are open, by user. */
  readonly users: ReadonlyMap<string, ReadonlySet<WebSocket>>;
  /** Every frame that came in, oldest first. */
  readonly frames: readonly ClientFrame[];
  /** Breaks every connection without a close frame. */
  cut(): void;
  stop(): Promise<void>;
}

/**
 * Speaks the wire contract over real sockets, from memory, without AWS: the token *is* the user's name. It is there to
 * show how the client deals with sockets; what the real server does is tested with the real server.
 */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const http = createServer((_, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => SUBPROTOCOL });
  const hub = new Hub(options);
  http.on('upgrade', (request, socket, head) => {
    const [token = ''] = parseSubprotocols(request.headers['sec-websocket-protocol'] ?? '').tokens;
    const status = options.refuse?.(token);
    if (status !== undefined) refuse(socket, status);
    else
      sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket, _: IncomingMessage) =>
        hub.join(token, webSocket),
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

/** Who is connected, and what they say to each other. */
class Hub {
  readonly users = new Map<string, Set<WebSocket>>();
  readonly frames: ClientFrame[] = [];
  readonly #options: FakeServerOptions;
  #connections = 0;
  #serials = 0;

  constructor(options: FakeServerOptions) {
    this.#options = options;
  }

  join(user: string, socket: WebSocket): void {
    const devices = this.users.get(user) ?? new Set();
    this.users.set(user, devices.add(socket));
    socket.on('close', () => devices.delete(socket));
    socket.on('message', (data) => this.#onFrame(user, socket, JSON.parse(String(data)) as ClientFrame));
  }

  #onFrame(user: string, socket: WebSocket, frame: ClientFrame): void {
    this.frames.push(frame);
    const treatment = this.#options.treat?.(frame, socket) ?? 'answer';
    if (treatment === 'ignore') return;
    const reply = this.#work(user, frame);
    if (treatment === 'answer') send(socket, reply);
  }

  #work(user: string, frame: ClientFrame): ServerFrame {
    const id = frame.id ?? '';
    if (frame.action === 'ping') return { type: 'pong', id, serverTime: Date.now() };
    if (frame.action === 'register') return this.#register(user, id);
    const messages = 'messages' in frame ? (frame.messages as MessageInput[]) : [frame];
    return { type: 'ack', id, results: messages.map((message) => this.#deliver(user, message)) };
  }

  #register(userId: string, id: string): ServerFrame {
    this.#connections += 1;
    const serverTime = Date.now();
    return {
      type: 'registered',
      id,
      userId,
      connectionId: `connection-${this.#connections}`,
      serverTime,
      expiresAt: serverTime + 660_000,
      limits: { ...DEFAULT_LIMITS, ...this.#options.limits },
    };
  }

  #deliver(from: string, { to, data, id = '' }: MessageInput): SendResult {
    this.#serials += 1;
    const serial = String(this.#serials).padStart(26, '0');
    const users = ('users' in to ? to.users : [to.user]).map((user) => {
      const devices = [...(this.users.get(user) ?? [])];
      const message = { id, serial, from: { user: from }, to: { user }, data, sentAt: Date.now() };
      for (const device of devices) send(device, { type: 'messages', messages: [message] });
      return { user, status: devices.length > 0 ? 'delivered' : 'dropped', devices: devices.length } as const;
    });
    return {
      id,
      serial,
      status: users.every(({ status }) => status === 'delivered') ? 'delivered' : 'dropped',
      connections: { delivered: users.reduce((sum, { devices }) => sum + devices, 0), gone: 0, failed: 0 },
      users: users.map(({ user, status }) => ({ user, status })),
    };
  }
}

function send(socket: WebSocket, frame: ServerFrame): void {
  socket.send(JSON.stringify(frame));
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
