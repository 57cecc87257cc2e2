import { HEARTBEAT_SECONDS } from '../../protocol/limits.ts';
import { onAbort } from '../base/abort.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import { ClientPart } from '../client.ts';
import type { Core } from '../core.ts';
import { BeckonError } from '../errors.ts';
import { MAX_TIMER_MS } from '../options.ts';
import type { Part } from '../parts.ts';
import { isFinal } from './connection-end.ts';
import type { Keeper, OpenConnection } from './context.ts';
import { createLiveness } from './liveness.ts';
import { encodeRequest, problemOf } from './requests.ts';
import { readClaims } from './token.ts';

/** A newer token is asked for this long before one expires, or up to twice as long: a fleet should not ask at once. */
const TOKEN_MARGIN_MS = 60_000;

/** … but not before half of what is left has passed: the upper end of the margin as a share of it is twice this. */
const MARGIN_SHARE = 1 / 4;

/** A connection that is older than this when this part has been loaded may have died meanwhile, milliseconds. */
const LATE_MS = 5_000;

/** Keeps connections up: finds out when they are dead, and renews their tokens. */
class Upkeep extends ClientPart {
  readonly #loadedAtMs = this.core.environment.now();
  readonly #renewals = new WeakMap<OpenConnection, TokenRenewal>();

  override renew(connection: OpenConnection): undefined {
    const renewal = this.#renewals.get(connection) ?? new TokenRenewal(this.core, connection);
    this.#renewals.set(connection, renewal);
    renewal.start();
    connection.keeper ??= this.#keep(connection);
  }

  #keep(connection: OpenConnection): Keeper {
    const { core } = this;
    const { environment, options, user } = core;
    const fieldsOfPing = () => {
      const shown = user.hasNews ? core.parts.sending?.shownOf(user) : undefined;
      return { cursor: user.cursor.value, ...(shown && { shown: [...shown] }) };
    };
    const ping = async (): Promise<void> => {
      const fields = fieldsOfPing();
      const upTo = fields.shown ? user.shown : user.told;
      // The page may be about to close, or the connection dead: a ping waits for nothing.
      const outcome = await connection.request(encodeRequest('ping', fields), 0);
      const code = problemOf(outcome)?.code;
      if (outcome.kind === 'reply') user.told = Math.max(user.told, upTo);
      if (code === 'invalid_cursor') connection.onInvalidCursor(fields.cursor);
      // An older server. A ping that is refused keeps nothing alive.
      if (code === 'invalid_frame' && fields.shown) {
        user.told = Number.POSITIVE_INFINITY;
        await ping();
      }
    };
    const { atMs } = connection.registration;
    const liveness = createLiveness(environment, {
      heardAtMs: atMs,
      heartbeatMs: (connection.limits?.heartbeatSeconds ?? HEARTBEAT_SECONDS) * 1000,
      timeoutMs: options.livenessTimeoutMs,
      ping: () => void ping(),
      onDead: () => connection.end({ error: new BeckonError('unresponsive') }),
    });
    // Nobody has looked at the connection while this part was being loaded.
    const isLate = atMs <= this.#loadedAtMs && (user.hasNews || environment.now() - atMs > LATE_MS);
    if (isLate) liveness.check();
    else liveness.sent();
    return {
      ...liveness,
      acknowledge: async () => {
        if (user.hasNews) await ping();
      },
      takeLeave: () => {
        if (user.hasNews) connection.close(encodeRequest('ping', fieldsOfPing()));
      },
    };
  }
}

export function createPart(core: Core): Part {
  return new Upkeep(core);
}

/**
 * Has a newer token by the time that the one of a connection expires. The application is asked before that, again and again as
 * long as it gives none that is newer, and a last time at the very end: it may keep each token for as long as it is good.
 */
class TokenRenewal {
  readonly #core: Core;
  readonly #connection: OpenConnection;
  readonly #next: Timer;
  /** When the token may have expired, and when it has. */
  readonly #expiry: Timer;
  readonly #end: Timer;
  /** Of the token in use, epoch milliseconds by the server's clock. */
  #expiresAtMs = Number.NEGATIVE_INFINITY;
  #hasEnded = false;
  #isAsking = false;
  /** A newer token is on its way to the server. */
  #hasNewer = false;
  #failures = 0;

  constructor(core: Core, connection: OpenConnection) {
    this.#core = core;
    this.#connection = connection;
    this.#next = createTimer(core.environment);
    this.#expiry = createTimer(core.environment);
    this.#end = createTimer(core.environment);
    onAbort(connection.closing, () => this.#clear());
  }

  /** The server has registered the connection with a token: it tells the time, because the device's clock may be wrong. */
  start(): void {
    const { clock, environment } = this.#core;
    const { token, tookMs } = this.#connection.registration;
    this.#clear();
    this.#hasEnded = this.#hasNewer = false;
    this.#failures = 0;
    const expiresAtMs = tokenExpiresAtMs(token);
    const nowMs = clock.now();
    // No connection lasts as long as the longest timer.
    if (expiresAtMs === undefined || expiresAtMs - nowMs > MAX_TIMER_MS) return;
    this.#expiresAtMs = expiresAtMs;
    const leftMs = Math.max(expiresAtMs - nowMs, 0);
    const marginMs = Math.min(TOKEN_MARGIN_MS, leftMs * MARGIN_SHARE) * (1 + environment.random());
    this.#next.start(leftMs - marginMs, () => void this.#ask());
    // The answer does not say when within its time the server judged the token.
    this.#expiry.start(Math.max(leftMs - tookMs, 0), () => this.#connection.onUnregistered(tokenExpired()));
    this.#end.start(leftMs, () => {
      this.#hasEnded = true;
      void this.#ask();
    });
  }

  #clear(): void {
    for (const timer of [this.#next, this.#expiry, this.#end]) timer.stop();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#hasNewer) return;
    this.#isAsking = true;
    this.#next.stop();
    const isLast = this.#hasEnded;
    const answer = await this.#connection.requestToken(this.#failures).catch((error: BeckonError) => error);
    this.#isAsking = false;
    if (this.#connection.closing.aborted) return;
    if (typeof answer === 'string' && this.#isNewer(answer)) {
      this.#hasNewer = true;
      void this.#connection.registerWith(answer);
    } else this.#onFailed(typeof answer === 'string' ? tokenExpired() : answer, isLast);
  }

  /** One that does not say when it expires may be. */
  #isNewer(token: string): boolean {
    return (tokenExpiresAtMs(token) ?? Number.POSITIVE_INFINITY) > this.#expiresAtMs;
  }

  #onFailed(error: BeckonError, isLast: boolean): void {
    const { environment, options } = this.#core;
    const delayMs = this.#hasEnded ? 0 : backoffDelayMs(this.#failures, environment.random, options);
    const final = isFinal(error);
    this.#failures += 1;
    if (!isLast) this.#next.start(delayMs, () => void this.#ask());
    if (error.code === 'token_failed') this.#core.emit('error', error);
    if (isLast || final) this.#connection.end({ error, final });
  }
}

/** When the token ends, in epoch milliseconds; `undefined` when it is no JWT or does not say. */
export function tokenExpiresAtMs(token: string): number | undefined {
  const { exp } = readClaims(token);
  // Whole seconds: the server takes no part of one for granted.
  return typeof exp === 'number' ? Math.floor(exp) * 1000 : undefined;
}

function tokenExpired(): BeckonError {
  return new BeckonError('token_expired', 'The token has expired, and getToken has given none that is newer.');
}
