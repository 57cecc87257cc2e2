import type { ErrorReply, Limits, Problem, RegisteredReply, ServerFrame } from '../../protocol/index.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { offeredSubprotocols } from '../../protocol/subprotocols.ts';
import { type ErrorCodeInfo, WORDLESS_CODES } from '../../protocol/wordless-codes.ts';
import { createLane } from '../base/queue.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import type { Environment } from '../environment.ts';
import { BeckonError, describeCode, isAboutToken, toError, type WordlessCode, wordlessProblem } from '../errors.ts';
import type { Options } from '../options.ts';
import type { Place } from '../receiving/subscription.ts';
import { type Interests, Subscriptions } from '../receiving/subscriptions.ts';
import type { RoomSubscriptions } from '../rooms/room-subscriptions.ts';
import { type Incoming, readFrame } from './frames.ts';
import { createLiveness, type Liveness } from './liveness.ts';
import { createPacer, type Pacer } from './pacer.ts';
import { createRequests, type Encode, encodeRequest, type Outcome, problemOf, type Requests } from './requests.ts';
import { requestToken } from './token.ts';
import { TokenRefresh, tokenExpired } from './token-renewal.ts';
import { openTransport, type Transport, type TransportEnd } from './transport.ts';

/** How long a connection that is closed stays open to hear that the server knows what the application was given. */
const LEAVE_TIMEOUT_MS = 2_000;

/** Why a connection is no more, or never was. */
export interface ConnectionEnd {
  readonly error: BeckonError;
  /** The code of the close frame, if that is how it ended. */
  readonly closeCode?: number;
  /** Whether there is to be no other attempt: the server has said so, or the application. Default: false. */
  readonly final?: boolean;
  /** Whether the application hears of it as an error: it may be what only people can mend. Default: false. */
  readonly isTold?: boolean;
}

export interface Registration extends RegisteredReply {
  /** Resolves when the connection can take the place of another one, or is over. */
  readonly renewed: Promise<void>;
}

export interface ConnectionHandlers {
  /** The connection can be used, for the first time or again. */
  onRegistered(registration: Registration): void;
  /** The connection cannot be used: nothing is delivered to it. It is being registered again. */
  onUnregistered(error: BeckonError): void;
  /** A newer token was not accepted on this connection. Another one may do better. */
  onTokenRefused(): void;
  /** Something failed that the application should know, and the connection goes on. */
  onError(error: BeckonError): void;
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
  readonly interests: Interests;
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
  readonly #interests: Interests;
  readonly #onToken: ConnectionContext['onToken'];
  readonly #handlers: ConnectionHandlers;
  readonly #requests: Requests;
  readonly pacer: Pacer;
  readonly #subscriptions: Subscriptions;
  /** Runs while the connection is being made ready, at first and again after `not_registered`. */
  readonly #readiness: Timer;
  readonly #refresh: TokenRefresh;
  readonly #closing = new AbortController();
  /** What comes in is dealt with in the order in which it came, though decoding it may take a while. */
  readonly #incoming = createLane();
  #transport: Transport | undefined;
  #liveness: Liveness | undefined;
  /** What the server said when the connection registered. `undefined` before. */
  limits: Limits | undefined;
  /** Whether messages are delivered to it. */
  #isRegistered = false;
  #handshakeToken = '';
  /** The newest token, when it is not that of the handshake: every registration has to say it. */
  #token: string | undefined;
  /** That of the last registration that was answered, and how long the answer took. */
  #registeredToken = '';
  #registeredInMs = 0;
  #retired = false;

  /** @param failures How many attempts have failed before this one. */
  constructor(context: ConnectionContext, failures: number, handlers: ConnectionHandlers) {
    const { environment, options, interests } = context;
    this.#environment = environment;
    this.#options = options;
    this.#interests = interests;
    this.#onToken = context.onToken;
    this.#handlers = handlers;
    this.#requests = createRequests(environment, options.ackTimeoutMs, {
      transmit: (text) => this.#transmit(text),
      maxFrameBytes: () => this.limits?.maxFrameBytes ?? MAX_FRAME_BYTES,
    });
    this.pacer = createPacer(environment, this);
    this.#readiness = createTimer(environment);
    this.#refresh = new TokenRefresh(environment, options, {
      request: (asked) => this.#requestToken(asked),
      onToken: (token) => void this.#renew(token),
      onExpired: () => this.#onUnregistered(tokenExpired()),
      onFailed: (error, isOver) => this.#onTokenFailed(error, isOver),
    });
    this.#subscriptions = new Subscriptions(environment, options, interests, {
      register: (place) => this.#register(place),
      connection: this,
      onRegistered: (reply) => this.#onRegistered(reply),
      onRefused: (refusal) => this.#end({ error: toError(refusal), isTold: !refusal.retryable }),
      // The ping acknowledges: a page that is closed before its first heartbeat would get the same again next time.
      onNews: () => this.checkLiveness(),
      onProblem: handlers.onProblem,
    });
    void this.#connect(failures);
  }

  /**
   * Sends a frame when its turn has come, and waits for its reply. Without one in time, the connection is checked, and ended
   * if it is dead.
   */
  async request(encode: Encode, units = 1, signal?: AbortSignal): Promise<Outcome> {
    if (units > 0 && !this.#over) await this.pacer.turn(units, signal);
    const outcome = await this.#ask(encode, signal);
    this.pacer.settle(units);
    const problem = problemOf(outcome);
    if (problem?.code !== 'not_registered') return outcome;
    this.#onUnregistered(toError(problem));
    // One that had just been answered may not be what follows from this.
    while (!this.#isRegistered && !this.#over) await this.#subscriptions.user.subscribe();
    return { kind: this.#over ? 'lost' : 'refused' };
  }

  /** Whether it can be used. */
  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  /** Aborts when the connection is over. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Those that it is in. `undefined`: it is not registered, or there are none. */
  get rooms(): RoomSubscriptions | undefined {
    return this.#subscriptions.rooms;
  }

  /** Ends the connection unless the server gives a sign of life soon. */
  checkLiveness(): void {
    this.#liveness?.check();
  }

  /** Tells the server what the application was given, unless it knows. Resolves when it does, or is not to be told. */
  async acknowledge(): Promise<void> {
    if (this.#interests.user.hasNews) await this.#ping();
  }

  /** Ends like `close`, but tells the server before what the application was given, and waits a moment for it to know. */
  takeLeave(): void {
    if (this.#over || !this.#interests.user.hasNews) return;
    this.#release();
    this.#requests.settleAll({ kind: 'lost' });
    const end = () => {
      cancelTimer();
      this.#requests.settleAll({ kind: 'lost' });
      this.#transport?.close();
    };
    const cancelTimer = this.#environment.setTimer(LEAVE_TIMEOUT_MS, end);
    void this.#requests.send(encodeRequest('ping', this.#interests.user.acknowledge().fields)).then(end);
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
    // By the time the application is asked, whoever made this connection must be able to close it.
    await undefined;
    if (this.#over) return;
    try {
      const token = await this.#requestToken(failures);
      if (!this.#over) this.#open(token);
    } catch (error) {
      const told = toConnectError(error);
      this.#end({ error: told, final: isFinal(told), isTold: told.code === 'token_failed' });
    }
  }

  async #requestToken(failures: number): Promise<string> {
    const { getToken, tokenTimeoutMs } = this.#options;
    const { signal } = this.#closing;
    const token = await requestToken(this.#environment, { getToken, failures, tokenTimeoutMs, signal });
    if (!this.#over) await this.#onToken(token);
    return token;
  }

  #open(token: string): void {
    this.#startReadiness();
    this.#handshakeToken = token;
    this.#transport = openTransport(this.#environment, this.#options.url, offeredSubprotocols(token), {
      onOpen: () => void this.#subscriptions.user.subscribe(),
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

  /** Registers with a newer token, without leaving the connection. */
  async #renew(token: string): Promise<void> {
    this.#token = token;
    // One that is on its way does not have it.
    await this.#subscriptions.user.settled;
    await this.#subscriptions.user.subscribe();
  }

  /** @param isOver Whether the token that is registered has expired. */
  #onTokenFailed(error: BeckonError, isOver: boolean): void {
    const final = isFinal(error);
    if (error.code === 'token_failed') this.#handlers.onError(error);
    if (isOver || final) this.#end({ error, final });
  }

  async #register(place: Place): Promise<Outcome> {
    if (place.attempt === undefined) return this.#ask(encodeRequest('register', place));
    this.#startReadiness();
    const token = this.#token;
    const askedAtMs = this.#environment.now();
    const outcome = await this.#ask(encodeRequest('register', { ...place, token }));
    const refusal = problemOf(outcome);
    if (token === undefined || !refusal || !isOfToken(refusal)) {
      this.#registeredToken = token ?? this.#handshakeToken;
      this.#registeredInMs = this.#environment.now() - askedAtMs;
      return outcome;
    }
    // The token of the handshake may be good for a while, in which another connection can be made.
    this.#token = undefined;
    this.#handlers.onTokenRefused();
    return this.#register(place);
  }

  #startReadiness(): void {
    if (this.#over || this.#readiness.running) return;
    this.#readiness.start(this.#options.connectTimeoutMs, () =>
      this.#end({ error: new BeckonError('connect_timeout') }),
    );
  }

  async #ask(encode: Encode, signal?: AbortSignal): Promise<Outcome> {
    if (this.#over || signal?.aborted) return { kind: 'lost' };
    return this.#requests.send(encode, (id) =>
      this.#liveness?.check(() => this.#requests.settle(id, { kind: 'unanswered' })),
    );
  }

  async #ping(): Promise<void> {
    const { fields, onTaken, onUnknown } = this.#interests.user.acknowledge();
    // The page may be on its way out, or the connection dead: a ping waits for nothing.
    const outcome = await this.request(encodeRequest('ping', fields), 0);
    const code = problemOf(outcome)?.code;
    if (outcome.kind === 'reply') onTaken();
    if (code === 'invalid_cursor') this.#subscriptions.user.onInvalidCursor(fields.cursor);
    // An older server. A ping that is refused keeps nothing alive.
    if (code === 'invalid_frame' && fields.shown) {
      onUnknown();
      await this.#ping();
    }
  }

  #onRegistered(reply: RegisteredReply): void {
    const wasRegistered = this.#isRegistered;
    this.#readiness.stop();
    this.limits = reply.limits;
    this.#isRegistered = true;
    // The clock may have been set meanwhile.
    const elapsedMs = Math.min(Math.max(this.#registeredInMs, 0), this.#options.connectTimeoutMs);
    this.#refresh.start(this.#registeredToken, { serverTimeMs: reply.serverTime, elapsedMs });
    const renewed = this.#subscriptions.renew(reply.rooms);
    this.#startLiveness(reply.limits);
    if (!wasRegistered) this.#handlers.onRegistered({ ...reply, renewed });
  }

  #onUnregistered(error: BeckonError): void {
    if (!this.#isRegistered) return;
    this.#isRegistered = false;
    this.#handlers.onUnregistered(error);
  }

  #startLiveness({ heartbeatSeconds }: Limits): void {
    if (this.#liveness) return;
    this.#liveness = createLiveness(this.#environment, {
      heartbeatMs: heartbeatSeconds * 1000,
      timeoutMs: this.#options.livenessTimeoutMs,
      ping: () => void this.#ping(),
      onDead: () => this.#end({ error: new BeckonError('unresponsive') }),
    });
    this.#liveness.sent();
  }

  #onIncoming(incoming: Incoming): void {
    if (this.#over) {
      // Nothing is handed on any more; but what was sent last may be answered.
      if (incoming && 'frame' in incoming && 'id' in incoming.frame)
        this.#requests.settle(incoming.frame.id, { kind: 'lost' });
      return;
    }
    if (incoming === undefined) this.#handlers.onIgnoredFrame();
    else if ('frame' in incoming) this.#onFrame(incoming.frame);
    else this.#requests.settleAll({ kind: 'error', problem: wordlessProblem('internal', incoming.serviceError) });
    // After the frame has been handled: a reply that is itself the sign of life must not count as missing.
    this.#liveness?.heard();
    this.#closeWhenDone();
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.type === 'messages') {
      this.#subscriptions.onPush(frame.messages);
    } else if (frame.type === 'receipt') {
      this.#interests.onReceipt(frame);
    } else if (frame.type === 'presence' && frame.id === undefined) {
      this.#interests.onPresence(frame);
    } else if (frame.type === 'bye') {
      this.#end({ error: toError(frame), final: !frame.reconnect });
    } else if (frame.type === 'error') {
      this.#onError(frame);
    } else {
      // At once, not when the reply has been waited for: pushes that come right behind it are younger.
      if (frame.type === 'pong') this.#subscriptions.user.onPong(frame);
      this.#requests.settle(frame.id, { kind: 'reply', reply: frame });
    }
  }

  #onError(frame: ErrorReply): void {
    if (frame.code === 'rate_limited') this.pacer.hold(frame.retryAfterMs ?? 0);
    const isOver = isAboutToken(frame.code) && !(this.#token !== undefined && isOfToken(frame));
    if (isOver || frame.code === 'connection_removed') this.#end({ error: toError(frame) });
    else if (frame.id !== undefined) this.#requests.settle(frame.id, { kind: 'error', problem: frame });
    else this.#handlers.onProblem(frame);
  }

  #onTransportEnd({ opened, closeCode, httpStatus }: TransportEnd): void {
    if (!opened) {
      this.#onRefused(httpStatus);
      return;
    }
    const code = findCode((info) => info.closeCode === closeCode);
    // Sent again, the frame that was the reason would end the next connection as well. The others have done nothing.
    if (code === 'frame_too_large') {
      this.#requests.settleLargest({ kind: 'error', problem: wordlessProblem(code) });
    }
    this.#end({ error: closeError(closeCode, code), closeCode });
  }

  #onRefused(httpStatus: number | undefined): void {
    this.#end({ error: refusalError(httpStatus), isTold: httpStatus !== undefined });
  }

  #transmit(text: string): void {
    this.#transport?.send(text);
    if (!this.#over) this.#liveness?.sent();
  }

  #closeWhenDone(): void {
    if (this.#retired && this.#requests.waiting === 0) this.close();
  }

  #end(end: ConnectionEnd): void {
    // What was sent last is not answered any more.
    if (this.#over) this.#requests.settleAll({ kind: 'lost' });
    if (this.#over) return;
    this.#release();
    this.#transport?.terminate();
    this.#requests.settleAll({ kind: 'lost' });
    this.#handlers.onEnded(end);
  }

  #release(): void {
    this.#isRegistered = false;
    this.#closing.abort();
    this.pacer.stop();
    this.#readiness.stop();
    this.#refresh.stop();
    this.#subscriptions.stop();
    this.#liveness?.stop();
    this.#handlers.onReleased();
  }
}

/** Whether the application has said that there is no token any more, or that it is another user's. */
function isFinal({ code }: BeckonError): boolean {
  return code === 'unauthorized' || code === 'user_changed';
}

/** Whether it is the token in the frame that the server does not accept, or no frame can carry, or nobody knows there. */
function isOfToken({ code }: Problem): boolean {
  return ['invalid_token', 'unauthorized', 'invalid_frame', 'frame_too_large'].includes(code);
}

function findCode(matches: (info: ErrorCodeInfo) => boolean): WordlessCode | undefined {
  return (Object.keys(WORDLESS_CODES) as WordlessCode[]).find((code) => matches(WORDLESS_CODES[code]));
}

/** A proxy may have refused the handshake in place of the server, for reasons of its own. */
function refusalError(httpStatus: number | undefined): BeckonError {
  if (httpStatus === undefined) return new BeckonError('connect_failed');
  const code = findCode((info) => info.httpStatus === httpStatus);
  const meaning = code ? ` If the server has sent it: ${describeCode(code)}` : '';
  const message = `The handshake was refused with HTTP status ${httpStatus}.${meaning}`;
  return new BeckonError('connect_failed', message, { httpStatus });
}

function closeError(closeCode: number, code: WordlessCode | undefined): BeckonError {
  if (code) return new BeckonError(code);
  if (closeCode === 1006) return new BeckonError('connection_lost');
  return new BeckonError('connection_closed', `The server closed the connection with code ${closeCode}.`);
}

function toConnectError(error: unknown): BeckonError {
  if (error instanceof BeckonError) return error;
  return new BeckonError('connect_failed', `The connection could not be opened: ${String(error)}`, { cause: error });
}
