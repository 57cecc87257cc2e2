import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type ClientFrame,
  DEFAULT_LIMITS,
  type DeliveryStatus,
  type Limits,
  type Message,
  type MessageInput,
  OVERLAP_MS,
  parseSubprotocols,
  problem,
  type RegisterFrame,
  type SendResult,
  type ServerFrame,
  SUBPROTOCOL,
} from '../../protocol/index.ts';
import { serialFloor, serialTime } from '../../server/serial.ts';

export interface FakeServerOptions {
  /** Default: any free one. */
  readonly port?: number;
  readonly limits?: Partial<Limits>;
  /** The most messages of one page of a resume. Default: 100. */
  readonly pageMessages?: number;
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

/** Who is connected, what they say to each other, and what is kept of it. */
class Hub {
  readonly users = new Map<string, Set<WebSocket>>();
  readonly frames: ClientFrame[] = [];
  readonly #options: FakeServerOptions;
  readonly #logs = new Map<string, Message[]>();
  #connections = 0;
  #lastMs = 0;

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
    if (frame.action === 'ping') {
      const missed = frame.cursor === undefined ? NOTHING : this.#read(user, overlapBefore(frame.cursor));
      return { type: 'pong', id, serverTime: Date.now(), ...missed };
    }
    if (frame.action === 'register') return this.#register(user, id, frame);
    if (frame.action !== 'sendMessage') {
      return { type: 'error', id, ...problem('internal', `the fake server does not know ${frame.action}`) };
    }
    const messages = 'messages' in frame ? (frame.messages as MessageInput[]) : [frame];
    return { type: 'ack', id, results: messages.map((message) => this.#deliver(user, message)) };
  }

  #register(userId: string, id: string, { since = serialFloor(0), after }: RegisterFrame): ServerFrame {
    if (after === undefined) this.#connections += 1;
    const serverTime = Date.now();
    return {
      type: 'registered',
      id,
      userId,
      connectionId: `connection-${this.#connections}`,
      serverTime,
      recovered: true,
      ...this.#read(userId, after ?? overlapBefore(since)),
      cursor: serialFloor(serverTime),
      expiresAt: serverTime + 660_000,
      limits: { ...DEFAULT_LIMITS, ...this.#options.limits },
    };
  }

  #read(user: string, after: string): { readonly messages: readonly Message[]; readonly more: boolean } {
    const missed = (this.#logs.get(user) ?? []).filter(({ serial }) => serial > after);
    const messages = missed.slice(0, this.#options.pageMessages ?? 100);
    return { messages, more: messages.length < missed.length };
  }

  #deliver(from: string, input: MessageInput): SendResult {
    const { to, data, encoding, id = '' } = input;
    // No two in a millisecond: then they sort.
    this.#lastMs = Math.max(this.#lastMs + 1, Date.now());
    const serial = serialFloor(this.#lastMs);
    const content = { data, ...(encoding !== undefined && { encoding }) };
    const message = { id, serial, from: { user: from }, to, ...content, sentAt: Date.now() };
    const recipients = 'users' in to ? to.users : 'user' in to ? [to.user] : [];
    const users = recipients.map((user) => ({ user, ...this.#deliverTo(user, message, input) }));
    return {
      id,
      serial,
      status: WORST_FIRST.find((worst) => users.some(({ status }) => status === worst)) ?? 'delivered',
      connections: { delivered: users.reduce((sum, { devices }) => sum + devices, 0), gone: 0, failed: 0 },
      users: users.map(({ user, status }) => ({ user, status })),
      ...(users.some(({ duplicate }) => duplicate) && { duplicate: true as const }),
    };
  }

  #deliverTo(user: string, sent: Message, { store = true, retry = false }: MessageInput) {
    const log = this.#logs.get(user) ?? [];
    this.#logs.set(user, log);
    const first = retry ? log.find((kept) => kept.id === sent.id) : undefined;
    const message = first ?? { ...sent, to: { user } };
    if (store && !first) log.push(message);
    const devices = [...(this.users.get(user) ?? [])];
    for (const device of devices) send(device, { type: 'messages', messages: [message] });
    const status: DeliveryStatus = devices.length > 0 ? 'delivered' : store ? 'stored' : 'dropped';
    return { status, devices: devices.length, duplicate: first !== undefined };
  }
}

const NOTHING = { messages: [], more: false };
const WORST_FIRST: readonly DeliveryStatus[] = ['dropped', 'stored'];

function overlapBefore(cursor: string): string {
  return serialFloor(serialTime(cursor) - OVERLAP_MS);
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
