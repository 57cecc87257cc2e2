import type { Limits, RegisteredReply } from '../../protocol/index.ts';
import { onAbort } from '../base/abort.ts';
import { type Backoff, backoffDelayMs } from '../base/backoff.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import type { Cancel } from '../environment.ts';
import type { BeckonError } from '../errors.ts';
import { MAX_TIMER_MS } from '../options.ts';
import type { ConnectionState, Reason } from '../state.ts';
import { Connection } from './connection.ts';
import type { ConnectionEnd } from './connection-end.ts';
import type { ConnectionOwner, Context } from './context.ts';
import { encodeRequest } from './requests.ts';

/** The share of a connection's age that is random, so that a fleet does not come back together. */
const AGE_JITTER = 0.1;

/** Keeps one connection alive: connects, reconnects after a loss, replaces the connection before the service ends it. */
export class Session implements ConnectionOwner {
  readonly #context: Context;
  readonly #retry: Timer;
  readonly #uptime: Timer;
  readonly #replacement: Timer;
  readonly #suspension: Timer;
  #stopWatching: Cancel | undefined;
  state: ConnectionState = { status: 'connecting' };
  /** The status while there is no connection. */
  #away: 'connecting' | 'recovering' | 'suspended' = 'connecting';
  #reason: Reason | undefined;
  /** Every connection, including replaced ones that wait for a last reply. */
  readonly connections = new Set<Connection>();
  #current: Connection | undefined;
  #opening: Connection | undefined;
  #stopped = false;
  #failures = 0;
  #backoff: Backoff;
  /** The server has said when to come back. */
  #isHeldOff = false;

  constructor(context: Context) {
    const { environment, options } = context;
    this.#context = context;
    this.#backoff = options;
    this.#retry = createTimer(environment);
    this.#uptime = createTimer(environment);
    this.#replacement = createTimer(environment);
    this.#suspension = createTimer(environment);
  }

  /** The connection to send on. */
  get connection(): Connection | undefined {
    return this.#current?.isRegistered ? this.#current : undefined;
  }

  /** @param away What to call the state until there is a connection. Default: `connecting`. */
  start(away: 'connecting' | 'recovering' = 'connecting'): void {
    this.#away = away;
    this.#stopWatching = this.#context.environment.onWake(() => this.#onWake());
    this.#startSuspension();
    this.#open();
  }

  /** Ends the session for good. */
  stop(status: 'closed' | 'failed', reason: Reason): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (status === 'closed') this.#current?.keeper?.takeLeave();
    this.pause();
    this.#setState({ status, reason });
  }

  /** Stops connecting until {@link start} is called again. */
  pause(): void {
    this.#stopWatching?.();
    for (const timer of [this.#retry, this.#uptime, this.#replacement, this.#suspension]) timer.stop();
    for (const connection of [...this.connections]) connection.close();
    this.#current = this.#opening = undefined;
  }

  #open(): void {
    this.#retry.stop();
    this.#isHeldOff = false;
    this.#replacement.stop();
    const connection = new Connection(this.#context, this.#failures, this);
    this.connections.add(connection);
    onAbort(connection.closing, () => this.connections.delete(connection));
    this.#opening = connection;
    if (!this.#current) this.#setAway();
  }

  onRegistered(connection: Connection, reply: RegisteredReply, renewed: Promise<unknown>): void {
    const { userId, connectionId, limits } = reply;
    const previous = this.#current;
    const isNew = connection === this.#opening;
    // The session has replaced this connection meanwhile.
    if (!isNew && connection !== previous) return;
    this.#heedLimits(limits);
    if (isNew) this.#use(connection);
    this.#away = 'recovering';
    this.#suspension.stop();
    this.#setState({ status: 'connected', userId, connectionId });
    this.#context.onConnected(isNew);
    if (isNew) void renewed.then(() => previous?.retire());
  }

  #use(connection: Connection): void {
    this.#current = connection;
    this.#opening = undefined;
    this.#uptime.start(this.#context.options.minUptimeMs, () => {
      this.#failures = 0;
    });
    const ageMs = this.#context.options.maxConnectionAgeMs * (1 - AGE_JITTER * this.#context.environment.random());
    this.#replacement.start(ageMs, () => this.#open());
  }

  onUnregistered(connection: Connection, error: BeckonError): void {
    if (connection !== this.#current) return;
    this.#reason = toReason({ error });
    this.#startSuspension();
    this.#setAway();
  }

  /** Takes over the longest wait from the server, which knows how many clients may reconnect at once. */
  #heedLimits({ maxBackoffSeconds }: Limits): void {
    const { minBackoffMs, isBackoffGiven } = this.#context.options;
    if (isBackoffGiven || !(maxBackoffSeconds > 0)) return;
    this.#backoff = { minBackoffMs, maxBackoffMs: Math.min(maxBackoffSeconds * 1_000, MAX_TIMER_MS) };
  }

  onTokenRefused(connection: Connection): void {
    // A new attempt asks for a token as well.
    const isUnderWay = this.#opening !== undefined || this.#retry.running;
    if (connection === this.#current && !isUnderWay) this.#open();
  }

  onEnded(connection: Connection, end: ConnectionEnd): void {
    // A replaced connection does not count.
    if (connection !== this.#current && connection !== this.#opening) return;
    if (end.isTold) this.#context.emit('error', end.error);
    // A listener may have closed the client while it was told.
    if (this.#stopped) return;
    this.#reason = toReason(end);
    if (connection === this.#opening) this.#opening = undefined;
    else this.#onLost();
    if (end.final) this.stop('failed', this.#reason);
    else if (this.#opening) this.#setAway();
    else this.#retryLater(end);
  }

  #onLost(): void {
    this.#current = undefined;
    this.#uptime.stop();
    this.#replacement.stop();
    this.#startSuspension();
  }

  #retryLater({ error: { retryAfterMs = 0 } }: ConnectionEnd): void {
    const delayMs = retryAfterMs + backoffDelayMs(this.#failures, this.#context.environment.random, this.#backoff);
    this.#isHeldOff = retryAfterMs > 0;
    this.#failures += 1;
    this.#retry.start(delayMs, () => this.#open());
    if (!this.#current) this.#setAway(this.#context.environment.now() + delayMs);
  }

  /** The network is gone or back, or the user looks at the page again: the connection may be dead. */
  #onWake(): void {
    if (this.#current?.keeper) this.#current.keeper.check();
    // A page that goes offline now does not load the keeper. Without an answer, the connection ends a little later.
    else if (this.#current) void this.#current.request(encodeRequest('ping', {}), 0);
    else if (!this.#opening && !this.#isHeldOff) this.#open();
  }

  #startSuspension(): void {
    if (this.#suspension.running) return;
    this.#suspension.start(this.#context.options.suspendAfterMs, () => {
      this.#away = 'suspended';
      this.#setState({ ...this.state, status: 'suspended' } as ConnectionState);
    });
  }

  #setAway(retryAtMs?: number): void {
    this.#setState({
      status: this.#away,
      ...(this.#reason && { reason: this.#reason }),
      ...(retryAtMs !== undefined && { retryAtMs }),
    });
  }

  #setState(state: ConnectionState): void {
    this.state = Object.freeze(state);
    this.#context.onState(this.state);
  }
}

function toReason({ error, closeCode }: ConnectionEnd): Reason {
  const { code, message, httpStatus } = error;
  return {
    code,
    message,
    ...(closeCode !== undefined && { closeCode }),
    ...(httpStatus !== undefined && { httpStatus }),
  };
}
