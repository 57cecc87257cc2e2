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
  /** Absent: `base/random-id.ts` makes the ids. */
  randomId?(): string;
  /** Calls `callback` once, `delayMs` from now. */
  setTimer(delayMs: number, callback: () => void): Cancel;
  openSocket(url: string, protocols: string[]): WebSocketLike;
  /** Calls back whenever the network is gone or back, the tab is shown, or the page is restored. */
  onWake(callback: () => void): Cancel;
  /** Calls back when this may be the last moment: the tab is hidden, or the page is left. */
  onHide(callback: () => void): Cancel;
  /**
   * Web Locks, where the runtime has them: browsers do, on pages served over https or from this machine. Absent:
   * `storage/sharing.ts` takes both these from the runtime.
   */
  readonly locks?: Locks | undefined;
  /** Opens a channel to the other pages of the same origin, where the runtime has them. `undefined`: not on this page. */
  readonly openChannel?: ((name: string) => Channel | undefined) | undefined;
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
  return {
    // Looked up with each call: fake timers, and other doubles, may come and go while the client lives.
    now: () => Date.now(),
    random: () => Math.random(),
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    openSocket: (url, protocols) => new webSocket(url, protocols),
    onWake: (callback) => onPageEvents(['online', 'offline', 'pageshow'], 'visible', callback),
    onHide: (callback) => onPageEvents(['beforeunload', 'pagehide'], 'hidden', callback),
  };
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
