import type { Schema } from '../protocol/index.ts';
import { isSchema } from '../protocol/schema.ts';
import type { WaitLimits } from './base/timer.ts';
import type { WebSocketConstructor } from './environment.ts';
import type { ClientStorage } from './storage/storage.ts';

/** What `getToken` is told about the attempt that it is asked for. */
export interface TokenRequest {
  /** Aborts when the token is no longer wanted: the client was closed, or `tokenTimeoutMs` has passed. */
  readonly signal: AbortSignal;
  /**
   * How many attempts have failed since the last good connection; on a connection whose token expires, how often in a row
   * there was no newer one. Above 0, a cached token may be what is wrong.
   */
  readonly failures: number;
}

/** Every time the client waits for, in milliseconds. Each is a number above 0 and at most 2,147,483,647 (24.8 days). */
export interface Durations {
  /** How long `getToken` may take. Default: 10,000. */
  readonly tokenTimeoutMs: number;
  /** How long handshake and registration may take together. Default: 20,000, for cold starts of four functions. */
  readonly connectTimeoutMs: number;
  /**
   * How long to wait for the acknowledgement of a frame before asking whether the server is still there; if it is, the
   * messages are sent again with the same ids. Default: 10,000, which is what the server's handler may take.
   */
  readonly ackTimeoutMs: number;
  /** How long anything may take to arrive once the server was asked for a sign of life. Default: 5,000. */
  readonly livenessTimeoutMs: number;
  /** The upper end of the random wait before the first attempt to come back. Default: 1,000. */
  readonly minBackoffMs: number;
  /**
   * The upper end of every wait; waits double up to it. Default: what the server said last, which knows how large the fleet
   * is; 30,000 before it has said anything.
   */
  readonly maxBackoffMs: number;
  /** How long a connection must last before the waits start from `minBackoffMs` again. Default: 5,000. */
  readonly minUptimeMs: number;
  /** How long to be without a connection before the state is called `suspended`; attempts go on. Default: 120,000. */
  readonly suspendAfterMs: number;
  /**
   * When to replace a connection, before the service cuts it at two hours. Up to a tenth is taken off at random. Default:
   * 6,600,000 (1 h 50 min).
   */
  readonly maxConnectionAgeMs: number;
  /** How long a message may wait to be sent, unless it says otherwise. Default: 300,000 (5 min). */
  readonly messageExpiryMs: number;
}

/**
 * @typeParam Incoming The data of incoming messages.
 * @typeParam Outgoing The data of outgoing messages.
 */
// biome-ignore lint/suspicious/noExplicitAny: any schema will do where the data does not matter
export interface ConnectOptions<Incoming = any, Outgoing = any> extends Partial<Durations> {
  /** `wss://…` (or `ws://…`) of the deployed stage: the output `WebSocketUrl`. Without query and fragment. */
  readonly url: string;
  /**
   * Gives the token, a JWT whose `sub` is the user. It is asked before each attempt to connect, so that no attempt is made
   * with a stale one, and before a token expires. A rejection is tried again later, except
   * `new BeckonError('unauthorized')`, which says that there is no token any more: the client then stops in the state `failed`.
   */
  readonly getToken: (request: TokenRequest) => Promise<string> | string;
  /**
   * Checks the data of messages: of those that are sent, which reject with a TypeError, and of those that arrive, which come as `invalid`.
   * Any schema that implements Standard Schema. Default: none, nothing is checked.
   */
  readonly schema?: Schema<Outgoing, Incoming>;
  /** Default: `globalThis.WebSocket`. Node has it from 22 on; before, pass the one of the package `ws`. */
  readonly webSocket?: WebSocketConstructor;
  /** Closes the client when it aborts. Default: none. */
  readonly signal?: AbortSignal;
  /** How many messages may wait to be sent or acknowledged. Default: 1,000. */
  readonly maxQueuedMessages?: number;
  /**
   * Whether data of 1 KB or more is compressed where that makes it smaller. Only this client, and search, read what is
   * compressed. Default: true.
   */
  readonly compress?: boolean;
  /**
   * Where to keep the messages that are queued, and what is needed to hand over none twice, for the next client of the
   * same user at the same `url`: `memory` forgets it with the page, `local` is the browser's `localStorage`, anything else
   * has the calls of a `Map`. Default: `memory`.
   */
  readonly storage?: 'memory' | 'local' | ClientStorage;
  /**
   * Whether the tabs of one user share one connection, which needs Web Locks and `BroadcastChannel`; where they are
   * missing, each tab has its own. Default: false.
   */
  readonly shareAcrossTabs?: boolean;
}

/** The options with every default filled in. */
export interface Options extends Durations {
  readonly url: string;
  readonly getToken: ConnectOptions['getToken'];
  /** `undefined`: nothing checks the data. */
  readonly schema: Schema | undefined;
  /** `undefined`: the runtime's own. */
  readonly webSocket: WebSocketConstructor | undefined;
  readonly maxQueuedMessages: number;
  readonly compress: boolean;
  /** Whether `maxBackoffMs` is the application's, and not for the server to change. */
  readonly isBackoffGiven: boolean;
  readonly signal: AbortSignal | undefined;
  /** `undefined`: what is in memory is enough. */
  readonly storage: 'local' | ClientStorage | undefined;
  readonly shareAcrossTabs: boolean;
}

const DEFAULT_DURATIONS: Durations = {
  tokenTimeoutMs: 10_000,
  connectTimeoutMs: 20_000,
  ackTimeoutMs: 10_000,
  livenessTimeoutMs: 5_000,
  minBackoffMs: 1_000,
  maxBackoffMs: 30_000,
  minUptimeMs: 5_000,
  suspendAfterMs: 120_000,
  maxConnectionAgeMs: 110 * 60_000,
  messageExpiryMs: 5 * 60_000,
};

const DEFAULT_MAX_QUEUED_MESSAGES = 1_000;

const NAMES = [
  'url',
  'getToken',
  'schema',
  'webSocket',
  'signal',
  'maxQueuedMessages',
  'compress',
  'storage',
  'shareAcrossTabs',
  ...Object.keys(DEFAULT_DURATIONS),
];

/** Scheme and host, and the path. */
const URL_PARTS = /^(wss?:\/\/[^\s/?#]+)(\/[^\s?#]*)?$/i;

/** Timers of browsers and Node fire at once when they are set for longer. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Checks the options and fills in the defaults. Options that are `undefined` count as absent.
 * @throws TypeError that names the option, what was expected and what was given.
 */
export function resolveOptions(options: ConnectOptions): Options {
  const where = 'connect';
  checkNames(where, options, NAMES);
  const { getToken, webSocket, signal, maxQueuedMessages = DEFAULT_MAX_QUEUED_MESSAGES, compress = true } = options;
  const { shareAcrossTabs = false, storage, schema } = options;
  const durations = Object.entries(DEFAULT_DURATIONS).map(([name, byDefault]) => [
    name,
    checkDuration(where, name, options[name as keyof Durations] ?? byDefault),
  ]);
  return {
    ...(Object.fromEntries(durations) as Durations),
    url: checkUrl(options.url),
    getToken: check(where, 'getToken', getToken, typeof getToken === 'function', 'a function'),
    schema: check(where, 'schema', schema, schema === undefined || isSchema(schema), 'a Standard Schema'),
    webSocket,
    signal: checkSignal(where, signal),
    isBackoffGiven: options.maxBackoffMs !== undefined,
    compress: checkFlag('compress', compress),
    maxQueuedMessages: checkCount(where, 'maxQueuedMessages', maxQueuedMessages),
    storage: checkStorage(storage),
    shareAcrossTabs: checkFlag('shareAcrossTabs', shareAcrossTabs),
  };
}

/**
 * Gives the value back.
 * @throws TypeError unless it is right. A long text is not quoted whole.
 */
export function check<T>(where: string, name: string, value: T, isRight: boolean, expected: string): T {
  if (isRight) return value;
  const got = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value);
  throw new TypeError(`${where}: "${name}" must be ${expected}, got ${got}`);
}

/** @throws TypeError unless `value` is an integer above 0. */
export function checkCount(where: string, name: string, value: number): number {
  return check(where, name, value, Number.isInteger(value) && value > 0, 'an integer above 0');
}

/** @throws TypeError unless `value` is a duration in milliseconds that a timer can wait. */
export function checkDuration(where: string, name: string, value: number): number {
  const isDuration = typeof value === 'number' && value > 0 && value <= MAX_TIMER_MS;
  return check(where, name, value, isDuration, `a number of milliseconds above 0 and at most ${MAX_TIMER_MS}`);
}

/** @throws TypeError unless `value` is an `AbortSignal` or `undefined`. */
export function checkSignal(where: string, value: AbortSignal | undefined): AbortSignal | undefined {
  const isSignal = value === undefined || typeof value?.addEventListener === 'function';
  return check(where, 'signal', value, isSignal, 'an AbortSignal');
}

/** @throws TypeError unless the options are those of a call, and perhaps others of these names. */
export function checkCall(where: string, options: WaitLimits, names: readonly string[] = []): void {
  checkNames(where, options, ['signal', 'timeoutMs', ...names]);
  checkSignal(where, options.signal);
  if (options.timeoutMs !== undefined) checkDuration(where, 'timeoutMs', options.timeoutMs);
}

/** @throws TypeError when `options` is not an object or has a key that is not one of `names`. */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  check(where, 'options', options, typeof options === 'object' && options !== null, 'an object');
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${where}: unknown option "${unknown}"; there are ${names.join(', ')}`);
}

function checkFlag(name: string, value: boolean): boolean {
  return check('connect', name, value, typeof value === 'boolean', 'true or false');
}

function checkUrl(value: unknown): string {
  const [, start = '', path = '/'] = typeof value === 'string' ? (URL_PARTS.exec(value.trim()) ?? []) : [];
  const isRight = start !== '' && isUrl(start + path);
  check('connect', 'url', value, isRight, 'a ws: or wss: URL without query and fragment');
  return start + path;
}

/** By the runtime, which may have no `URL`. That of React Native believes anything, and knows few of its parts. */
function isUrl(text: string): boolean {
  try {
    return !globalThis.URL || new URL(text) !== undefined;
  } catch {
    return false;
  }
}

function checkStorage(value: ConnectOptions['storage']): Options['storage'] {
  if (value === undefined || value === 'memory') return undefined;
  const calls = ['get', 'set', 'delete', 'keys'] as const;
  const isStorage = value === 'local' || calls.every((name) => typeof value?.[name] === 'function');
  return check('connect', 'storage', value, isStorage, `"memory", "local" or an object with ${calls.join(', ')}`);
}
