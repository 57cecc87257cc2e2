import type { ErrorReply, Limits, Message, RegisteredReply, ServerFrame } from '../../protocol/index.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { offeredSubprotocols } from '../../protocol/subprotocols.ts';
import type { Marker, Receipt } from '../api.ts';
import { createQueue } from '../base/queue.ts';
import { createTimer, type Timer, within } from '../base/timer.ts';
import { BeckonError, isAboutToken, toError, wordlessProblem } from '../errors.ts';
import { type Place, Subscription } from '../receiving/subscription.ts';
import { type ConnectionEnd, endOf, endOfAttempt } from './connection-end.ts';
import type { ConnectionOwner, Context, Keeper, OpenConnection } from './context.ts';
import { type Incoming, readFrame } from './frames.ts';
import type { Pacer } from './pacer.ts';
import { createRequests, type Encode, encodeRequest, type Outcome, problemOf, type Requests } from './requests.ts';
import { requestToken } from './token.ts';
import { openTransport, type Transport, type TransportEnd } from './transport.ts';

/** How long a closing connection waits for the answer to its last acknowledgement, milliseconds. */
const LEAVE_TIMEOUT_MS = 2_000;

/** Codes that refuse the newer token in a frame: it is invalid or too large, or the server does not know the field. */
const TOKEN_REFUSALS: readonly string[] = ['invalid_token', 'unauthorized', 'invalid_frame', 'frame_too_large'];

/** One attempt to connect, and the connection that follows: token, handshake, registration, requests, end. */
export class Connection implements OpenConnection {
  readonly #context: Context;
  readonly #owner: ConnectionOwner;
  readonly #requests: Requests;
  pacer: Pacer | undefined;
  keeper: Keeper | undefined;
  readonly #subscription: Subscription;
  /** Runs while the connection registers, at first and again after `not_registered`. */
  readonly #readiness: Timer;
  readonly #closing = new AbortController();
  /** Handles frames in the order in which they came, though decoding may take a while. */
  readonly #incoming = createQueue();
  #transport: Transport | undefined;
  limits: Limits | undefined;
  /** Whether the server delivers messages to it. */
  isRegistered = false;
  #attempts = 0;
  #handshakeToken = '';
  /** The newest token, when it is not that of the handshake: every registration has to say it. */
  #token: string | undefined;
  registration = { token: '', tookMs: 0, atMs: 0 };
  #isRetired = false;

  /** @param failures How many attempts have failed before this one. */
  constructor(context: Context, failures: number, owner: ConnectionOwner) {
    const { environment, options } = context;
    this.#context = context;
    this.#owner = owner;
    this.#requests = createRequests(environment, options.ackTimeoutMs, {
      transmit: (text) => this.#transmit(text),
      maxFrameBytes: () => this.limits?.maxFrameBytes ?? MAX_FRAME_BYTES,
    });
    this.#readiness = createTimer(environment);
    this.#subscription = new Subscription(context, context.user, this, {
      ask: (place) => this.#register(place),
      onSubscribed: (reply) => this.#onRegistered(reply as RegisteredReply),
      onRefused: (problem) => this.end({ error: toError(problem), isTold: !problem.retryable }),
      onNews: () => context.notify('news'),
    });
    void this.#connect(failures);
  }

  async request(encode: Encode, units = 1, signal?: AbortSignal): Promise<Outcome> {
    if (units > 0 && !this.#isOver) await this.pacer?.turn(units, signal);
    const outcome = await this.#ask(encode, signal);
    this.pacer?.settle(units);
    const problem = problemOf(outcome);
    if (problem?.code !== 'not_registered') return outcome;
    this.onUnregistered(toError(problem));
    // A registration that has just been answered may be older than this refusal.
    while (!this.isRegistered && !this.#isOver) await this.#subscription.subscribe();
    return { kind: this.#isOver ? 'lost' : 'refused' };
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  nextAttempt(): number {
    return this.#attempts++;
  }

  async requestToken(failures: number): Promise<string> {
    const { environment, options } = this.#context;
    const token = await requestToken(environment, options, failures, this.closing);
    if (!this.#isOver) await this.#context.onToken(token);
    return token;
  }

  async registerWith(token: string): Promise<void> {
    this.#token = token;
    // A registration that is on its way does not have the token.
    await this.#subscription.settled;
    await this.#subscription.subscribe();
  }

  onUnregistered(error: BeckonError): void {
    if (!this.isRegistered) return;
    this.isRegistered = false;
    this.#owner.onUnregistered(this, error);
  }

  end(end: ConnectionEnd): void {
    const wasOver = this.#isOver;
    if (!wasOver) {
      this.#release();
      this.#transport?.terminate();
    }
    // Also what was sent last before the connection was closed: the server does not answer it any more.
    this.#requests.settleAll({ kind: 'lost' });
    if (!wasOver) this.#owner.onEnded(this, end);
  }

  /** Closes the connection as soon as nothing waits for a reply on it. Until then it goes on receiving. */
  retire(): void {
    void this.#incoming.run(
      () => {
        this.#isRetired = true;
      },
      () => this.#closeWhenDone(),
    );
  }

  close(last?: Encode): void {
    if (this.#isOver) return;
    this.#release();
    const lose = () => this.#requests.settleAll({ kind: 'lost' });
    const end = () => {
      this.#transport?.close();
      lose();
    };
    lose();
    if (last)
      void within(this.#context.environment, this.#requests.send(last), { timeoutMs: LEAVE_TIMEOUT_MS }).then(end, end);
    else end();
  }

  onInvalidCursor(cursor: string | undefined): void {
    this.#subscription.onInvalidCursor(cursor);
  }

  get #isOver(): boolean {
    return this.closing.aborted;
  }

  async #connect(failures: number): Promise<void> {
    // The application is asked only after the owner has the connection, and can close it.
    await undefined;
    if (this.#isOver) return;
    try {
      const token = await this.requestToken(failures);
      if (!this.#isOver) this.#open(token);
    } catch (error) {
      this.end(endOfAttempt(error));
    }
  }

  #open(token: string): void {
    const { environment, options } = this.#context;
    this.#startReadiness();
    this.#handshakeToken = token;
    this.#transport = openTransport(environment, options.url, offeredSubprotocols(token), {
      onOpen: () => void this.#subscription.subscribe(),
      onText: (text) =>
        void this.#incoming.run(
          () => readFrame(text, this.#context),
          (incoming) => this.#onIncoming(incoming),
        ),
      onEnd: (end) =>
        void this.#incoming.run(
          () => end,
          (how) => this.#onTransportEnd(how),
        ),
    });
  }

  async #register(place: Place): Promise<Outcome> {
    if (place.attempt === undefined) return this.#ask(encodeRequest('register', place));
    this.#startReadiness();
    const { now } = this.#context.environment;
    const token = this.#token;
    const askedAtMs = now();
    const outcome = await this.#ask(encodeRequest('register', { ...place, token }));
    if (token === undefined || !TOKEN_REFUSALS.includes(problemOf(outcome)?.code ?? '')) {
      // The clock may have been set meanwhile.
      const atMs = now();
      const tookMs = Math.min(Math.max(atMs - askedAtMs, 0), this.#context.options.connectTimeoutMs);
      this.registration = { token: token ?? this.#handshakeToken, tookMs, atMs };
      return outcome;
    }
    // The token of the handshake may be valid for a while, in which another connection can be made.
    this.#token = undefined;
    this.#owner.onTokenRefused(this);
    return this.#register(place);
  }

  #startReadiness(): void {
    if (this.#isOver || this.#readiness.running) return;
    const { connectTimeoutMs } = this.#context.options;
    this.#readiness.start(connectTimeoutMs, () => this.end({ error: new BeckonError('connect_timeout') }));
  }

  async #ask(encode: Encode, signal?: AbortSignal): Promise<Outcome> {
    if (this.#isOver || signal?.aborted) return { kind: 'lost' };
    return this.#requests.send(encode, (id) => {
      if (this.keeper) this.keeper.check(() => this.#requests.settle(id, { kind: 'unanswered' }));
      else if (this.isRegistered) this.end({ error: new BeckonError('unresponsive') });
    });
  }

  #onRegistered(reply: RegisteredReply): void {
    const wasRegistered = this.isRegistered;
    this.#readiness.stop();
    this.limits = reply.limits;
    this.isRegistered = true;
    const renewed = this.#context.renew(this, reply.rooms ?? []);
    if (!wasRegistered) this.#owner.onRegistered(this, reply, renewed);
  }

  #onIncoming(incoming: Incoming): void {
    if (this.#isOver) {
      // The client hands nothing on any more, but the server may still answer the last frame.
      if (incoming && 'frame' in incoming && 'id' in incoming.frame)
        this.#requests.settle(incoming.frame.id, { kind: 'lost' });
      return;
    }
    if (incoming === undefined) this.#context.counters.ignoredFrames += 1;
    else if ('frame' in incoming) this.#onFrame(incoming.frame);
    // The next connection brings the messages again.
    else if ('failure' in incoming) this.end({ error: incoming.failure, isTold: true });
    else this.#requests.settleAll({ kind: 'error', problem: wordlessProblem('internal', incoming.serviceError) });
    // After the frame has been handled: a reply that is itself the sign of life must not count as missing.
    this.keeper?.heard();
    this.#closeWhenDone();
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.type === 'messages') {
      for (const message of frame.messages) this.#onPush(message);
    } else if (frame.type === 'receipt' || frame.type === 'marker') {
      const { type, ...markers } = frame;
      this.#context.emit(type, markers as Receipt & Marker);
    } else if (frame.type === 'presence' && frame.id === undefined) {
      this.#context.onPush(frame, this);
    } else if (frame.type === 'bye') {
      this.end({ error: toError(frame), final: !frame.reconnect });
    } else if (frame.type === 'error') {
      this.#onError(frame);
    } else {
      // At once, not when the caller goes on: the frames that come right behind are younger.
      if (frame.type === 'pong') this.#subscription.onPong(frame);
      this.#requests.settle(frame.id, { kind: 'reply', reply: frame });
    }
  }

  #onPush(message: Message): void {
    if ('room' in message.to) this.#context.onPush(message, this);
    else this.#subscription.onPush([message]);
  }

  #onError(frame: ErrorReply): void {
    const { code, id, retryAfterMs = 0 } = frame;
    if (code === 'rate_limited') this.pacer?.hold(retryAfterMs);
    const isOver = isAboutToken(code) && !(this.#token !== undefined && TOKEN_REFUSALS.includes(code));
    if (isOver || code === 'connection_removed') this.end({ error: toError(frame) });
    else if (id !== undefined) this.#requests.settle(id, { kind: 'error', problem: frame });
    else this.#context.emit('error', toError(frame));
  }

  #onTransportEnd(transportEnd: TransportEnd): void {
    const end = endOf(transportEnd);
    // Sent again, the frame that was the reason would end the next connection as well. The others have done nothing.
    if (end.error.code === 'frame_too_large') {
      this.#requests.settleLargest({ kind: 'error', problem: wordlessProblem('frame_too_large') });
    }
    this.end(end);
  }

  #transmit(text: string): void {
    this.#transport?.send(text);
    if (!this.#isOver) this.keeper?.sent();
  }

  #closeWhenDone(): void {
    if (this.#isRetired && this.#requests.waiting === 0) this.close();
  }

  #release(): void {
    this.isRegistered = false;
    this.#closing.abort();
    this.pacer?.stop();
    this.#readiness.stop();
    void this.#subscription.stop();
    this.keeper?.stop();
  }
}
