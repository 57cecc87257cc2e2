/** Cancels a timer or a subscription; harmless when repeated. */
export type Cancel = () => void;

/** What the client needs of a WebSocket. The runtime's own has it, and so has the one of the package `ws`. */
export interface WebSocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Only in the package `ws`: ends the TCP connection without a closing handshake. */
  terminate?(): void;
  // The client sets these four. `unknown`, because every implementation has event types of its own.
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
}

/** `globalThis.WebSocket`, or one with the same constructor. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** What the client needs of the options of a lock. */
export interface LockOptions {
  readonly ifAvailable?: boolean;
  readonly steal?: boolean;
}

/** What the client needs of `navigator.locks`. */
export interface Locks {
  request(name: string, options: LockOptions, callback: (lock: unknown) => unknown): Promise<unknown>;
}

/** What the client needs of a `BroadcastChannel`. */
export interface Channel {
  postMessage(message: unknown): void;
  close(): void;
  // The client sets it.
  onmessage: unknown;
}

/** Everything that the client takes from the runtime, so that tests can replace it. */
export interface Environment {
  /** Epoch milliseconds. */
  now(): number;
  /** At least 0 and less than 1. */
  random(): number;
  randomId(): string;
  /** Calls `callback` once, `delayMs` from now. */
  setTimer(delayMs: number, callback: () => void): Cancel;
  openSocket(url: string, protocols: string[]): WebSocketLike;
  /** Calls back whenever the network is gone or back, the tab is shown, or the page is restored. */
  onWake(callback: () => void): Cancel;
  /** Calls back when this may be the last moment: the tab is hidden, or the page is left. */
  onHide(callback: () => void): Cancel;
  /** Web Locks, where the runtime has them: browsers do, on pages served over https or from this machine. */
  readonly locks: Locks | undefined;
  /** Opens a channel to the other pages of the same origin, where the runtime has them. `undefined`: not on this page. */
  readonly openChannel: ((name: string) => Channel | undefined) | undefined;
}

/** What tells the client what happens to the page. */
interface EventSource {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** What a browser has, and other runtimes may not. */
interface Globals extends Partial<EventSource> {
  readonly WebSocket?: WebSocketConstructor;
  readonly document?: Partial<EventSource> & { readonly visibilityState?: string };
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
  readonly crypto?: { getRandomValues?(bytes: Uint8Array): Uint8Array };
}

const globals: Globals = globalThis as object;

/**
 * The runtime's own environment.
 * @param webSocket Default: `globalThis.WebSocket`.
 * @throws TypeError when the runtime has no WebSocket and none is given.
 */
export function createEnvironment(webSocket: WebSocketConstructor | undefined = globals.WebSocket): Environment {
  if (!webSocket) {
    throw new TypeError(
      'connect: this runtime has no WebSocket; pass one as "webSocket", such as that of the package ws',
    );
  }
  const { BroadcastChannel } = globals;
  return {
    // Looked up with each call: fake timers, and other doubles, may come and go while the client lives.
    now: () => Date.now(),
    random: () => Math.random(),
    randomId,
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    openSocket: (url, protocols) => new webSocket(url, protocols),
    onWake: (callback) => onPageEvents(['online', 'offline', 'pageshow'], 'visible', callback),
    onHide: (callback) => onPageEvents(['beforeunload', 'pagehide'], 'hidden', callback),
    locks: probe(() => globals.navigator?.locks),
    openChannel: BroadcastChannel && ((name) => probe(() => new BroadcastChannel(name))),
  };
}

/** Where a page may not store anything, some properties of browsers throw: the client then goes without them. */
function probe<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}

/**
 * A UUID: of version 4, random. Where there is no `crypto`, of version 7, which begins with the time (RFC 9562 section 5.7):
 * the randomness of React Native has 31 bits, too few to tell all the messages of a user apart.
 *
 * `crypto.randomUUID` exists on pages served over https only.
 */
function randomId(): string {
  const bytes = new Uint8Array(16).map(() => Math.random() * 256);
  const hasCrypto = globals.crypto?.getRandomValues?.(bytes) !== undefined;
  const now = Date.now();
  if (!hasCrypto) bytes.set([40, 32, 24, 16, 8, 0].map((bits) => Math.floor(now / 2 ** bits)));
  const hex = Array.from(bytes, (byte, index) => (index === 8 ? (byte % 64) + 384 : byte + 256).toString(16).slice(1));
  return hex.join('').replace(/(.{8})(....).(...)(....)/, `$1-$2-${hasCrypto ? 4 : 7}$3-$4-`);
}

/** Without an `AbortSignal`, which jsdom takes of its own realm only. */
function onPageEvents(events: readonly string[], visibility: string, callback: () => void): Cancel {
  const { document } = globals;
  const onVisibility = () => {
    if (document?.visibilityState === visibility) callback();
  };
  const listeners = [
    ...events.map((event) => [globals, event, callback] as const),
    [document, 'visibilitychange', onVisibility] as const,
  ];
  for (const [source, event, listener] of listeners) source?.addEventListener?.(event, listener);
  return () => {
    for (const [source, event, listener] of listeners) source?.removeEventListener?.(event, listener);
  };
}
