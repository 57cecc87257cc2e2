import * as calls from '../../client/calls/rooms-presence-history.ts';
import type { Loaders } from '../../client/core.ts';
import * as encoding from '../../client/encoding/encoding.ts';
import type { Environment, Locks, WebSocketLike } from '../../client/environment.ts';
import { type ConnectOptions, type Options, resolveOptions } from '../../client/options.ts';
import * as storage from '../../client/storage/storage-part.ts';
import * as tabs from '../../client/tabs/tabs-part.ts';
import {
  DEFAULT_LIMITS,
  type ErrorCode,
  type JoinedReply,
  type Json,
  type Limits,
  MAX_FRAME_BYTES,
  type Message,
  type PongReply,
  problem,
  type RegisteredReply,
} from '../../protocol/index.ts';
import { serialFloor } from '../../server/serial.ts';

/** A frame as a test reads it. */
export type Frame = Record<string, unknown> & { readonly action: string; readonly id: string };

/** The most that the client lets pass for one unit at the default rate, milliseconds. */
export const UNIT_MS = 12;

/** A socket whose other end is the test. It closes with 1009 when a frame is too large, as API Gateway does. */
export class FakeSocket implements WebSocketLike {
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: Frame[] = [];
  /** The code with which the client closed it; `abrupt` when it gave the socket up. */
  closedWith: number | 'abrupt' | undefined;

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    if (this.closedWith !== undefined) return;
    if (Buffer.byteLength(text) > MAX_FRAME_BYTES) queueMicrotask(() => this.end(1009));
    else this.sent.push(JSON.parse(text) as Frame);
  }

  close(code?: number): void {
    this.closedWith ??= code ?? 'abrupt';
  }

  /** The last frame of this action that the client has sent. */
  last(action: string): Frame {
    const frame = this.sent.findLast((candidate) => candidate.action === action);
    if (!frame) throw new Error(`the client has not sent ${action}`);
    return frame;
  }

  count(action: string): number {
    return this.sent.filter((frame) => frame.action === action).length;
  }

  open(): void {
    call(this.onopen, {});
  }

  receive(frame: Json | object): void {
    this.receiveRaw(JSON.stringify(frame));
  }

  receiveRaw(data: unknown): void {
    call(this.onmessage, { data });
  }

  /** Ends the socket from the other side; `message` is what the `ws` package says before. */
  end(code = 1006, message?: string): void {
    if (message !== undefined) this.fail(message);
    call(this.onclose, { code });
  }

  /** Reports an error, as implementations do before they end the socket, and some instead. */
  fail(message = ''): void {
    call(this.onerror, { message });
  }

  /** Answers the last `register`, by default with nothing that was missed. */
  register(limits: Partial<Limits> = {}, serverTime = 0, page: Partial<RegisteredReply> = {}): void {
    const reply: RegisteredReply = {
      type: 'registered',
      id: this.last('register').id,
      userId: 'alice',
      connectionId: `connection-of-${this.protocols[1]}`,
      serverTime,
      recovered: true,
      messages: [],
      more: false,
      cursor: serialFloor(serverTime),
      expiresAt: serverTime + 660_000,
      limits: { ...DEFAULT_LIMITS, ...limits },
      ...page,
    };
    this.receive(reply);
  }

  /** Answers the last `register` with a page that has these messages. */
  page(messages: readonly Message[], page: Partial<RegisteredReply> = {}): void {
    this.register({}, 0, { messages, ...page });
  }

  /** Answers the last `join` with a page that has these messages. */
  joined(messages: readonly Message[] = [], page: Partial<JoinedReply> = {}): void {
    const { id, room } = this.last('join');
    const first = { recovered: true, messages, more: false, cursor: serialFloor(0), serverTime: 0 };
    this.receive({ type: 'joined', id, room: room as string, ...first, ...page } satisfies JoinedReply);
  }

  /** Answers the last frame of this action. */
  answer(action: string, reply: object): void {
    this.receive({ id: this.last(action).id, ...reply });
  }

  /** Answers the last `ping`, by default with nothing that was missed. */
  pong(page: Partial<PongReply> = {}): void {
    const { id } = this.last('ping');
    this.receive({ type: 'pong', id, serverTime: 0, messages: [], more: false, ...page } satisfies PongReply);
  }

  push(...messages: readonly Message[]): void {
    this.receive({ type: 'messages', messages });
  }

  /** Answers the last frame of this action with an error. */
  refuse(action: string, code: ErrorCode): void {
    this.receive({ type: 'error', id: this.last(action).id, ...problem(code) });
  }

  /** Acknowledges the last `sendMessage`, each message as delivered. */
  acknowledge(): void {
    const { id, messages } = this.last('sendMessage') as Frame & { messages: { id: string }[] };
    this.receive({ type: 'ack', id, results: messages.map((message) => delivered(message.id)) });
  }
}

/** A message from bob to alice, sent at a moment (epoch milliseconds by the server's clock). */
export function messageAt(sentAt: number, id = String(sentAt)): Message {
  return { id, serial: serialFloor(sentAt), from: { user: 'bob' }, to: { user: 'alice' }, data: id, sentAt };
}

/** A message from bob to a room. */
export function roomMessageAt(sentAt: number, room = 'lobby'): Message {
  return { ...messageAt(sentAt), to: { room } };
}

/** What the server says of a message that reached one device. */
export function delivered(id: string) {
  return {
    id,
    serial: `serial-${id}`,
    status: 'delivered',
    connections: { delivered: 1, gone: 0, failed: 0 },
    users: [{ user: 'bob', status: 'delivered' }],
  } as const;
}

export interface WorldOptions extends Partial<Pick<Environment, 'locks' | 'openChannel'>> {
  readonly name?: string;
}

/** A world in which only the test makes time pass and things happen. */
export class ClientWorld implements Environment {
  readonly sockets: FakeSocket[] = [];
  /** What `random` gives; at first always one half. */
  nextRandom: () => number = () => 0.5;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  readonly #sleepers = new Set<() => void>();
  readonly #hiders = new Set<() => void>();
  /** Default: none, as in a runtime without Web Locks. */
  readonly locks: Locks | undefined;
  /** Default: none, as in a runtime without `BroadcastChannel`. */
  readonly openChannel: Environment['openChannel'];
  /** What timers go by. The clock may be set, as a user or a sleep does. */
  #passed = 0;
  #clock = 1_000_000;
  readonly #name: string;
  #ids = 0;

  /** @param options `name` is what the ids begin with that it makes. */
  constructor({ locks, openChannel, name = 'id' }: WorldOptions = {}) {
    this.locks = locks;
    this.openChannel = openChannel;
    this.#name = name;
  }

  /** What loads the parts of the client; a test may put others in their place. */
  readonly loaders: { -readonly [Name in keyof Loaders]: Loaders[Name] } = {
    calls: async () => calls,
    encoding: async () => encoding,
    storage: async () => storage,
    tabs: async () => tabs,
  };
  readonly now = () => this.#clock + this.#passed;
  readonly random = () => this.nextRandom();
  readonly randomId = () => `${this.#name}-${++this.#ids}`;
  readonly setTimer = (delayMs: number, callback: () => void) => {
    const timer = { at: this.#passed + delayMs, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };
  readonly openSocket = (url: string, protocols: string[]) => {
    const socket = new FakeSocket(url, protocols);
    this.sockets.push(socket);
    return socket;
  };
  readonly onWake = (callback: () => void) => {
    this.#sleepers.add(callback);
    return () => void this.#sleepers.delete(callback);
  };

  readonly onHide = (callback: () => void) => {
    this.#hiders.add(callback);
    return () => void this.#hiders.delete(callback);
  };

  get timers(): number {
    return this.#timers.size;
  }

  get watchers(): number {
    return this.#sleepers.size + this.#hiders.size;
  }

  wake(): void {
    for (const callback of [...this.#sleepers]) callback();
  }

  /** The page is left, or its tab hidden. */
  hide(): void {
    for (const callback of [...this.#hiders]) callback();
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('the client has opened no socket');
    return socket;
  }

  /** Lets time pass, timer by timer, and everything happen that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#passed + ms;
    await settle();
    for (let next = this.#nextTimer(end); next; next = this.#nextTimer(end)) {
      this.#timers.delete(next);
      this.#passed = Math.max(this.#passed, next.at);
      next.callback();
      await settle();
    }
    this.#passed = end;
  }

  /** Sets the clock, which no timer notices: somebody corrected it, or the computer slept. */
  jump(ms: number): void {
    this.#clock += ms;
  }

  /** Brings the newest socket from the handshake to a registration. */
  async accept(limits: Partial<Limits> = {}): Promise<FakeSocket> {
    await settle();
    const { socket } = this;
    socket.open();
    await settle();
    socket.register(limits, this.now());
    await settle();
    return socket;
  }

  #nextTimer(end: number) {
    let first: { readonly at: number; readonly callback: () => void } | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
    return first;
  }
}

/** Lets every promise that can settle do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Options with a token at hand. */
export function testOptions(options: Partial<ConnectOptions> = {}): Options {
  return resolveOptions({ url: 'ws://test/prod', getToken: () => 'token', ...options });
}

/** A random number generator that gives the same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function call(handler: unknown, event: object): void {
  if (typeof handler === 'function') handler(event);
}

/** A signal that knows how many listen to it. */
export function watchedSignal(): { readonly signal: AbortSignal; readonly listeners: () => number; abort(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners.add(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners.delete(args[1]);
    removeEventListener.apply(signal, args);
  };
  return { signal, listeners: () => listeners.size, abort: () => controller.abort() };
}
