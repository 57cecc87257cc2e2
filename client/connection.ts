import { ERROR_CODES } from '../protocol/codes.ts';
import type {
  ErrorCode,
  ErrorCodeInfo,
  ErrorReply,
  Limits,
  Message,
  PingFrame,
  Problem,
  RegisteredReply,
  ServerFrame,
} from '../protocol/index.ts';
import { problem } from '../protocol/problem.ts';
import { offeredSubprotocols } from '../protocol/subprotocols.ts';
import type { Gap } from './api.ts';
import type { Cursor } from './cursor.ts';
import type { Environment } from './environment.ts';
import { BeckonError, isAboutToken, toError } from './errors.ts';
import { type Incoming, readFrame } from './incoming.ts';
import { createLane } from './lane.ts';
import { createLiveness, type Liveness } from './liveness.ts';
import type { Options } from './options.ts';
import { createRequests, type Outcome, type Requests } from './requests.ts';
import { Subscription } from './subscription.ts';
import { createTimer, type Timer } from './timer.ts';
import { requestToken, tokenExpiresAtMs } from './token.ts';
import { openTransport, type Transport, type TransportEnd } from './transport.ts';

/** Why a connection is no more, or never was. */
export interface ConnectionEnd {
  readonly error: BeckonError;
  /** The code of the close frame, if that is how it ended. */
  readonly closeCode?: number;
  /** Whether another attempt would end alike. */
  readonly final: boolean;
}

export interface Registration extends RegisteredReply {
  /** How long the token is still good for, by the server's clock. `undefined`: it does not say. */
  readonly tokenLifetimeMs: number | undefined;
}

export interface ConnectionHandlers {
  /** The connection can be used. Called once. */
  onRegistered(registration: Registration): void;
  /** Messages arrived, in the order in which to hand them on. Some may have come before. */
  onMessages(messages: readonly Message[]): void;
  onGap(gap: Gap): void;
  /** The server complained about no frame in particular. */
  onProblem(problem: Problem): void;
  /** A frame came that is of no known type. */
  onIgnoredFrame(): void;
  /** Called once, unless the connection is closed from this side. */
  onEnded(end: ConnectionEnd): void;
  /** Called once, however the connection ends: nothing of it is left. */
  onReleased(): void;
}

/** What a session has in common for all its connections. */
export interface ConnectionContext {
  readonly environment: Environment;
  readonly options: Options;
  readonly cursor: Cursor;
  /**
   * Called with each token before anything is asked of the server with it.
   * @throws BeckonError when the token is not to be used.
   */
  readonly onToken: (token: string) => Promise<void>;
}

/** One attempt to connect, and the connection that comes of it: token, handshake, registration, requests, end. */
export class Connection {
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #cursor: Cursor;
  readonly #onToken: ConnectionContext['onToken'];
  readonly #handlers: ConnectionHandlers;
  readonly #requests: Requests;
  readonly #subscription: Subscription;
  /** Runs while the connection is being made ready, at first and again after `not_registered`. */
  readonly #readiness: Timer;
  readonly #closing = new AbortController();
  /** What comes in is dealt with in the order in which it came, though decoding it may take a while. */
  readonly #incoming = createLane();
  #transport: Transport | undefined;
  #liveness: Liveness | undefined;
  #limits: Limits | undefined;
  #tokenExpiresAt: number | undefined;
  #retired = false;

  /** @param failures How many attempts have failed before this one. */
  constructor(context: ConnectionContext, failures: number, handlers: ConnectionHandlers) {
    const { environment, options, cursor } = context;
    this.#environment = environment;
    this.#options = options;
    this.#cursor = cursor;
    this.#onToken = context.onToken;
    this.#handlers = handlers;
    this.#requests = createRequests(environment, (text) => this.#transmit(text), options.ackTimeoutMs);
    this.#readiness = createTimer(environment);
    this.#subscription = new Subscription(environment, options, cursor, {
      ask: (encode) => this.#ask(encode),
      onRegistering: () => this.#startReadiness(),
      onRegistered: (reply) => this.#onRegistered(reply),
      onRefused: (refusal) => this.#end({ error: toError(refusal), final: !refusal.retryable }),
      onMessages: handlers.onMessages,
      onGap: handlers.onGap,
      // The ping acknowledges: a page that is closed before its first heartbeat would get the same again next time.
      onNews: () => this.checkLiveness(),
    });
    void this.#connect(failures);
  }

  /** What the server said when the connection registered. `undefined` before. */
  get limits(): Limits | undefined {
    return this.#limits;
  }

  /** Sends a frame and waits for its reply. Without one in time, the connection is checked, and ended if it is dead. */
  async request(encode: (id: string) => string): Promise<Outcome> {
    const outcome = await this.#ask(encode);
    if (outcome.kind !== 'error' || outcome.problem.code !== 'not_registered') return outcome;
    await this.#subscription.register();
    return { kind: this.#over ? 'lost' : 'refused' };
  }

  /** Ends the connection unless the server gives a sign of life soon. */
  checkLiveness(): void {
    this.#liveness?.check();
  }

  /** Closes the connection as soon as nothing waits for a reply on it. Until then it goes on receiving. */
  retire(): void {
    void this.#incoming.run(
      () => {},
      () => {
        this.#retired = true;
        this.#closeWhenDone();
      },
    );
  }

  /** Closes the connection now. */
  close(): void {
    if (this.#over) return;
    this.#release();
    this.#transport?.close();
    this.#requests.settleAll({ kind: 'lost' });
  }

  get #over(): boolean {
    return this.#closing.signal.aborted;
  }

  async #connect(failures: number): Promise<void> {
    const { getToken, tokenTimeoutMs } = this.#options;
    const { signal } = this.#closing;
    // By the time the application is asked, whoever made this connection must be able to close it.
    await undefined;
    if (this.#over) return;
    try {
      const token = await requestToken(this.#environment, { getToken, failures, tokenTimeoutMs, signal });
      if (!this.#over) await this.#onToken(token);
      if (!this.#over) this.#open(token);
    } catch (error) {
      const told = toConnectError(error);
      this.#end({ error: told, final: told.code === 'unauthorized' || told.code === 'user_changed' });
    }
  }

  #open(token: string): void {
    this.#startReadiness();
    this.#tokenExpiresAt = tokenExpiresAtMs(token);
    this.#transport = openTransport(this.#environment, this.#options.url, offeredSubprotocols(token), {
      onOpen: () => void this.#subscription.register(),
      onText: (text) =>
        void this.#incoming.run(
          () => readFrame(text),
          (incoming) => this.#onIncoming(incoming),
        ),
      onEnd: (end) =>
        void this.#incoming.run(
          () => end,
          () => this.#onTransportEnd(end),
        ),
    });
  }

  #startReadiness(): void {
    if (this.#over || this.#readiness.running) return;
    this.#readiness.start(this.#options.connectTimeoutMs, () =>
      this.#end({ error: new BeckonError('connect_timeout'), final: false }),
    );
  }

  async #ask(encode: (id: string) => string): Promise<Outcome> {
    if (this.#over) return { kind: 'lost' };
    return this.#requests.send(encode, (id) =>
      this.#liveness?.check(() => this.#requests.settle(id, { kind: 'unanswered' })),
    );
  }

  async #ping(): Promise<void> {
    const cursor = this.#cursor.value;
    const outcome = await this.request((id) => JSON.stringify({ action: 'ping', id, cursor } satisfies PingFrame));
    const refused = outcome.kind === 'error' && outcome.problem.code === 'invalid_cursor';
    if (refused) this.#subscription.onInvalidCursor(cursor);
  }

  #onRegistered(reply: RegisteredReply): void {
    this.#readiness.stop();
    this.#limits = reply.limits;
    if (this.#liveness) return;
    this.#liveness = createLiveness(this.#environment, {
      heartbeatMs: reply.limits.heartbeatSeconds * 1000,
      timeoutMs: this.#options.livenessTimeoutMs,
      ping: () => void this.#ping(),
      onDead: () => this.#end({ error: new BeckonError('unresponsive'), final: false }),
    });
    this.#liveness.sent();
    const tokenLifetimeMs = this.#tokenExpiresAt === undefined ? undefined : this.#tokenExpiresAt - reply.serverTime;
    this.#handlers.onRegistered({ ...reply, tokenLifetimeMs });
  }

  #onIncoming(incoming: Incoming): void {
    if (this.#over) return;
    if (incoming === undefined) this.#handlers.onIgnoredFrame();
    else if ('frame' in incoming) this.#onFrame(incoming.frame);
    else this.#requests.settleAll({ kind: 'error', problem: problem('internal', incoming.serviceError) });
    // After the frame has been handled: a reply that is itself the sign of life must not count as missing.
    this.#liveness?.heard();
    this.#closeWhenDone();
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.type === 'messages') {
      this.#subscription.onPush(frame.messages);
    } else if (frame.type === 'receipt' || frame.type === 'bye') {
      this.#handlers.onIgnoredFrame();
    } else if (frame.type === 'error') {
      this.#onError(frame);
    } else {
      // At once, not when the reply has been waited for: pushes that come right behind it are younger.
      if (frame.type === 'pong') this.#subscription.onPong(frame);
      this.#requests.settle(frame.id, { kind: 'reply', reply: frame });
    }
  }

  #onError(frame: ErrorReply): void {
    if (isAboutToken(frame.code) || frame.code === 'connection_removed')
      this.#end({ error: toError(frame), final: false });
    else if (frame.id !== undefined) this.#requests.settle(frame.id, { kind: 'error', problem: frame });
    else this.#handlers.onProblem(frame);
  }

  #onTransportEnd({ opened, closeCode, httpStatus }: TransportEnd): void {
    if (!opened) {
      this.#onRefused(httpStatus);
      return;
    }
    const code = findCode((info) => info.closeCode === closeCode);
    // The frame itself was the reason: sent again, it would end the next connection as well.
    if (code) this.#requests.settleAll({ kind: 'error', problem: problem(code) });
    this.#end({ error: closeError(closeCode, code), closeCode, final: false });
  }

  #onRefused(httpStatus: number | undefined): void {
    const code = httpStatus === undefined ? undefined : findCode((info) => info.httpStatus === httpStatus);
    const final = code !== undefined && !isAboutToken(code);
    this.#end({ error: new BeckonError(code ?? 'connect_failed'), final });
  }

  #transmit(text: string): void {
    this.#transport?.send(text);
    this.#liveness?.sent();
  }

  #closeWhenDone(): void {
    if (this.#retired && this.#requests.waiting === 0) this.close();
  }

  #end(end: ConnectionEnd): void {
    if (this.#over) return;
    this.#release();
    this.#transport?.terminate();
    this.#requests.settleAll({ kind: 'lost' });
    this.#handlers.onEnded(end);
  }

  #release(): void {
    this.#closing.abort();
    this.#readiness.stop();
    this.#subscription.stop();
    this.#liveness?.stop();
    this.#handlers.onReleased();
  }
}

function findCode(matches: (info: ErrorCodeInfo) => boolean): ErrorCode | undefined {
  return (Object.keys(ERROR_CODES) as ErrorCode[]).find((code) => matches(ERROR_CODES[code]));
}

function closeError(closeCode: number, code: ErrorCode | undefined): BeckonError {
  if (code) return new BeckonError(code);
  if (closeCode === 1006) return new BeckonError('connection_lost');
  return new BeckonError('connection_closed', `The server closed the connection with code ${closeCode}.`);
}

function toConnectError(error: unknown): BeckonError {
  if (error instanceof BeckonError) return error;
  return new BeckonError('connect_failed', `The connection could not be opened: ${String(error)}`, { cause: error });
}
