import * as calls from '../../client/calls/rooms-presence-history.ts';
import * as upkeep from '../../client/connection/upkeep.ts';
import type { Loaders } from '../../client/core.ts';
import * as encoding from '../../client/encoding/encoding.ts';
import type { Environment, Locks, WebSocketLike } from '../../client/environment.ts';
import { type ConnectOptions, type Options, resolveOptions } from '../../client/options.ts';
import * as schema from '../../client/schema/schema-part.ts';
import * as sending from '../../client/sending/sending-part.ts';
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

/** A client's frame in a form that tests can read. */
export type Frame = Record<string, unknown> & { readonly action: string; readonly id: string };

/** The longest time that the client waits for one unit at the default rate, milliseconds. */
export const UNIT_MS = 12;

/**
 * A socket whose server is the test: it reads `sent` and `last()`, and answers with the methods below. The socket closes with
 * 1009 when a frame is too large, as API Gateway does.
 */
export class FakeSocket implements WebSocketLike {
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: Frame[] = [];
  /** The client's close code; `abrupt` when the client closed without a code. */
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

  /** Returns the client's last frame of this action. Throws if there is none. */
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

  /** Ends the socket from the server's side; `message` is the error of the `ws` package before the end. */
  end(code = 1006, message?: string): void {
    if (message !== undefined) this.fail(message);
    call(this.onclose, { code });
  }

  /** Reports an error. Most implementations end the socket then; some only report. */
  fail(message = ''): void {
    call(this.onerror, { message });
  }

  /** Answers the last `register`, by default without missed messages. */
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

  /** Answers the last `register` with a page of these messages. */
  page(messages: readonly Message[], page: Partial<RegisteredReply> = {}): void {
    this.register({}, 0, { messages, ...page });
  }

  /** Answers the last `join` with a page of these messages. */
  joined(messages: readonly Message[] = [], page: Partial<JoinedReply> = {}): void {
    const { id, room } = this.last('join');
    const first = { recovered: true, messages, more: false, cursor: serialFloor(0), serverTime: 0 };
    this.receive({ type: 'joined', id, room: room as string, ...first, ...page } satisfies JoinedReply);
  }

  /** Answers the last frame of this action. */
  answer(action: string, reply: object): void {
    this.receive({ id: this.last(action).id, ...reply });
  }

  /** Answers the last `ping`, by default without missed messages. */
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

  /** Acknowledges the last `sendMessage`, each message as sent. */
  acknowledge(): void {
    const { id, messages } = this.last('sendMessage') as Frame & { messages: { id: string }[] };
    this.receive({ type: 'ack', id, results: messages.map((message) => sentResult(message.id)) });
  }
}

/** A message from bob to alice, sent at this time (epoch milliseconds of the server's clock). */
export function messageAt(sentAt: number, id = String(sentAt)): Message {
  return { id, serial: serialFloor(sentAt), from: { user: 'bob' }, to: { user: 'alice' }, data: id, sentAt };
}

/** A message from bob to a room. */
export function roomMessageAt(sentAt: number, room = 'lobby'): Message {
  return { ...messageAt(sentAt), to: { room } };
}

/** The server's result for a message that reached one device. */
export function sentResult(id: string) {
  return {
    id,
    serial: `serial-${id}`,
    status: 'sent',
    connections: { sent: 1, gone: 0, failed: 0 },
    users: [{ user: 'bob', status: 'sent' }],
  } as const;
}

export interface WorldOptions extends Partial<Pick<Environment, 'locks' | 'openChannel'>> {
  readonly name?: string;
}

/**
 * The client's environment in a test: clock, timers, sockets, randomness and page events. Only the test moves time (`pass`) and
 * answers frames (`socket`). `client-session.ts` creates clients in such a world.
 */
export class ClientWorld implements Environment {
  readonly sockets: FakeSocket[] = [];
  /** The value of `random`. Default: one half. */
  nextRandom: () => number = () => 0.5;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  readonly #sleepers = new Set<() => void>();
  readonly #hiders = new Set<() => void>();
  /** Default: undefined, as in a runtime without Web Locks. */
  readonly locks: Locks | undefined;
  /** Default: undefined, as in a runtime without `BroadcastChannel`. */
  readonly openChannel: Environment['openChannel'];
  /** The time that timers follow. The wall clock may jump, as when a user sets it. */
  #passed = 0;
  #clock = 1_000_000;
  readonly #name: string;
  #ids = 0;

  /** @param options `name` is the prefix of the ids that the world makes. */
  constructor({ locks, openChannel, name = 'id' }: WorldOptions = {}) {
    this.locks = locks;
    this.openChannel = openChannel;
    this.#name = name;
  }

  /** The loaders of the client's late parts. A test may replace them. */
  readonly loaders: { -readonly [Name in keyof Loaders]: Loaders[Name] } = {
    calls: async () => calls,
    encoding: async () => encoding,
    schema: async () => schema,
    upkeep: async () => upkeep,
    sending: async () => sending,
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

  /** Hides or leaves the page. */
  hide(): void {
    for (const callback of [...this.#hiders]) callback();
  }

  /** Returns the newest socket. Throws if there is none. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('the client has opened no socket');
    return socket;
  }

  /** Moves time on, timer by timer, and settles all promises after each. */
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

  /** Sets the wall clock without its timers: a user corrects it, or the computer sleeps. */
  jump(ms: number): void {
    this.#clock += ms;
  }

  /** Opens and registers the newest socket. */
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

/** Waits until all promises that can settle have settled. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Client options with a ready token. */
export function testOptions(options: Partial<ConnectOptions> = {}): Options {
  return resolveOptions({ url: 'ws://test/prod', getToken: () => 'token', ...options });
}

/** Creates a random number generator that repeats its numbers for the same seed (mulberry32). */
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

/** Creates a signal that counts its listeners. */
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
