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
  RegisterFrame,
  ServerFrame,
} from '../protocol/index.ts';
import { problem } from '../protocol/problem.ts';
import { offeredSubprotocols } from '../protocol/subprotocols.ts';
import type { Environment } from './environment.ts';
import { BeckonError, isAboutToken, toError } from './errors.ts';
import { readFrame } from './incoming.ts';
import { createLiveness, type Liveness } from './liveness.ts';
import type { Options } from './options.ts';
import { createRequests, type Outcome, type Requests } from './requests.ts';
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
  onMessages(messages: readonly Message[]): void;
  /** The server complained about no frame in particular. */
  onProblem(problem: Problem): void;
  /** A frame came that is of no known type. */
  onIgnoredFrame(): void;
  /** Called once, unless the connection is closed from this side. */
  onEnded(end: ConnectionEnd): void;
  /** Called once, however the connection ends: nothing of it is left. */
  onReleased(): void;
}

/** One attempt to connect, and the connection that comes of it: token, handshake, registration, requests, end. */
export class Connection {
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #handlers: ConnectionHandlers;
  readonly #requests: Requests;
  /** Runs while the connection is being made ready, at first and again after `not_registered`. */
  readonly #readiness: Timer;
  readonly #closing = new AbortController();
  #transport: Transport | undefined;
  #liveness: Liveness | undefined;
  #limits: Limits | undefined;
  #registering: Promise<void> | undefined;
  #retired = false;

  /** @param failures How many attempts have failed before this one. */
  constructor(environment: Environment, options: Options, failures: number, handlers: ConnectionHandlers) {
    this.#environment = environment;
    this.#options = options;
    this.#handlers = handlers;
    this.#requests = createRequests(environment, (text) => this.#transmit(text), options.ackTimeoutMs);
    this.#readiness = createTimer(environment);
    void this.#connect(failures);
  }

  /** What the server said when the connection registered. `undefined` before. */
  get limits(): Limits | undefined {
    return this.#limits;
  }

  /** Sends a frame and waits for its reply. Without one in time, the connection is checked, and ended if it is dead. */
  async request(encode: (id: string) => string): Promise<Outcome> {
    const outcome = await this.#requests.send(encode, (id) =>
      this.#liveness?.check(() => this.#requests.settle(id, { kind: 'unanswered' })),
    );
    if (outcome.kind !== 'error' || outcome.problem.code !== 'not_registered') return outcome;
    await this.#registerAgain();
    return { kind: this.#over ? 'lost' : 'unanswered' };
  }

  /** Ends the connection unless the server gives a sign of life soon. */
  checkLiveness(): void {
    this.#liveness?.check();
  }

  /** Closes the connection as soon as nothing waits for a reply on it. Until then it goes on receiving. */
  retire(): void {
    this.#retired = true;
    this.#closeWhenDone();
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
      if (!this.#over) this.#open(token);
    } catch (error) {
      const told = toConnectError(error);
      this.#end({ error: told, final: told.code === 'unauthorized' });
    }
  }

  #open(token: string): void {
    this.#startReadiness();
    this.#transport = openTransport(this.#environment, this.#options.url, offeredSubprotocols(token), {
      onOpen: () => void this.#register(tokenExpiresAtMs(token)),
      onText: (text) => this.#onText(text),
      onEnd: (end) => this.#onTransportEnd(end),
    });
  }

  #startReadiness(): void {
    this.#readiness.start(this.#options.connectTimeoutMs, () =>
      this.#end({ error: new BeckonError('connect_timeout'), final: false }),
    );
  }

  async #register(tokenExpiresAt?: number): Promise<void> {
    const outcome = await this.#requests.send((id) =>
      JSON.stringify({ action: 'register', id } satisfies RegisterFrame),
    );
    if (outcome.kind === 'reply' && outcome.reply.type === 'registered')
      this.#onRegistered(outcome.reply, tokenExpiresAt);
    if (outcome.kind === 'error') this.#end({ error: toError(outcome.problem), final: !outcome.problem.retryable });
  }

  #registerAgain(): Promise<void> {
    if (this.#over) return Promise.resolve();
    if (!this.#registering) {
      this.#startReadiness();
      this.#registering = this.#register().finally(() => {
        this.#registering = undefined;
      });
    }
    return this.#registering;
  }

  #onRegistered(reply: RegisteredReply, tokenExpiresAt: number | undefined): void {
    this.#readiness.stop();
    this.#limits = reply.limits;
    if (this.#liveness) return;
    this.#liveness = createLiveness(this.#environment, {
      heartbeatMs: reply.limits.heartbeatSeconds * 1000,
      timeoutMs: this.#options.livenessTimeoutMs,
      ping: () => void this.request((id) => JSON.stringify({ action: 'ping', id } satisfies PingFrame)),
      onDead: () => this.#end({ error: new BeckonError('unresponsive'), final: false }),
    });
    this.#liveness.sent();
    const tokenLifetimeMs = tokenExpiresAt === undefined ? undefined : tokenExpiresAt - reply.serverTime;
    this.#handlers.onRegistered({ ...reply, tokenLifetimeMs });
  }

  #onText(text: string | undefined): void {
    const incoming = text === undefined ? undefined : readFrame(text);
    if (incoming === undefined) this.#handlers.onIgnoredFrame();
    else if ('frame' in incoming) this.#onFrame(incoming.frame);
    else this.#requests.settleAll({ kind: 'error', problem: problem('internal', incoming.serviceError) });
    // After the frame has been handled: a reply that is itself the sign of life must not count as missing.
    this.#liveness?.heard();
    this.#closeWhenDone();
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.type === 'messages') this.#handlers.onMessages(frame.messages);
    else if (frame.type !== 'error') this.#requests.settle(frame.id, { kind: 'reply', reply: frame });
    else this.#onError(frame);
  }

  #onError(frame: ErrorReply): void {
    if (isAboutToken(frame.code)) this.#end({ error: toError(frame), final: false });
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
