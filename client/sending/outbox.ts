import type { Limits, SendResult } from '../../protocol/index.ts';
import { onAbort } from '../base/abort.ts';
import type { ServerClock } from '../base/server-clock.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import type { Environment } from '../environment.ts';
import { BeckonError } from '../errors.ts';
import { MAX_TIMER_MS } from '../options.ts';
import type { StoredMessage } from '../storage/storage.ts';
import { countMessages, fillFrame, type OutgoingMessage } from './outgoing.ts';

/** How long a message waits, and who can take it back. */
export interface WaitOptions {
  /** How long the message may wait to be sent, milliseconds. */
  readonly expiresAfterMs: number;
  /** Takes the message back when it aborts. */
  readonly signal: AbortSignal | undefined;
}

/** A message in the outbox, whose sender waits for the result. */
export interface QueuedMessage extends OutgoingMessage {
  /** Whether it may have been sent before: the server then looks for its id. */
  readonly retry: boolean;
  accept(result: SendResult): void;
  reject(error: unknown): void;
}

/** A message was queued; with a result or an error, it is settled. */
export interface OutboxChange {
  /** The message, as it goes into a frame. */
  readonly text: string;
  readonly result?: SendResult;
  /** Why it was given up: a `BeckonError`, or the reason of its signal. */
  readonly error?: unknown;
}

interface OwnMessage extends QueuedMessage {
  expiresAt: number;
  /** `expiresAt` is by the device's clock. */
  isLocal: boolean;
  readonly expiry: Timer;
  retry: boolean;
  settled: boolean;
}

/** The messages that wait to be sent or acknowledged, oldest first. */
export class Outbox {
  readonly #environment: Environment;
  readonly #clock: ServerClock;
  readonly #maxMessages: number;
  readonly #onChange: (change: OutboxChange) => void;
  /** Waiting messages and messages in flight, in the order of the calls. */
  #queued: OwnMessage[] = [];
  #taken: OwnMessage[] = [];

  /**
   * @param maxMessages How many may wait to be sent or acknowledged.
   * @param onChange Called whenever a message was queued or is settled.
   */
  constructor(
    environment: Environment,
    clock: ServerClock,
    maxMessages: number,
    onChange: (change: OutboxChange) => void,
  ) {
    this.#environment = environment;
    this.#clock = clock;
    this.#maxMessages = maxMessages;
    this.#onChange = onChange;
  }

  /** @throws BeckonError `outbox_full` when there is no room for a message behind `ahead` others that are still being encoded. */
  requireRoom(ahead = 0): void {
    if (this.#unsettled.length + ahead >= this.#maxMessages) throw new BeckonError('outbox_full');
  }

  /** Resolves with the server's result; rejects when the message is refused, expires or is taken back. */
  add(message: OutgoingMessage, { expiresAfterMs, signal }: WaitOptions, retry = false): Promise<SendResult> {
    this.requireRoom();
    return new Promise((accept, reject) => {
      const expiresAt = this.#clock.now() + expiresAfterMs;
      const isLocal = this.#clock.aheadMs === undefined;
      this.#queued.push(this.#enter({ ...message, expiresAt, isLocal, retry, accept, reject }, signal));
      this.#onChange({ text: message.text });
    });
  }

  /** Whether a message waits to be sent or acknowledged. */
  has(text: string): boolean {
    return this.#unsettled.some((entry) => entry.text === text);
  }

  /** The messages that a later client would have to send. */
  snapshot(): readonly StoredMessage[] {
    // There is no infinity in JSON.
    return this.#unsettled.map(({ text, bytes, expiresAt, isLocal }) => ({
      text,
      bytes,
      expiresAt: Math.max(expiresAt, 0),
      ...(isLocal && { isLocal }),
    }));
  }

  /**
   * Takes messages over from an earlier client, in front of its own. They may have been sent before.
   * @param tell Makes the callbacks of a message, whose promise is gone with the earlier client.
   */
  restore(
    messages: readonly StoredMessage[],
    tell: (message: StoredMessage) => Pick<QueuedMessage, 'accept' | 'reject'>,
  ): void {
    const known = new Set(this.#unsettled.map(({ text }) => text));
    const entries = messages
      .filter(({ text }) => !known.has(text))
      .map((message) => this.#enter({ isLocal: false, ...message, retry: true, ...tell(message) }));
    this.#queued.unshift(...entries);
    for (const { text } of entries) this.#onChange({ text });
  }

  /** The server has told the time, which shows which stored messages have expired. */
  onTime(): void {
    for (const entry of this.#unsettled) {
      if (entry.isLocal) entry.expiresAt += this.#clock.aheadMs ?? 0;
      entry.isLocal = false;
      if (!entry.expiry.running && entry.expiresAt > Number.NEGATIVE_INFINITY) this.#startExpiry(entry);
    }
    this.#dropExpired();
  }

  /**
   * Counts the oldest messages that fit into one frame, and the units that they are charged. Both are 0 when no message waits.
   * @param maxUnits The most that they may be charged, unless the first alone is charged more.
   */
  next(limits: Limits, maxUnits: number): { readonly count: number; readonly units: number } {
    this.#dropExpired();
    this.#refuseOversize(limits);
    return fillFrame(this.#queued, limits, maxUnits);
  }

  /** Takes the {@link next} messages. They count until they are settled or put back. */
  take(limits: Limits, maxUnits: number): readonly QueuedMessage[] {
    const taken = this.#queued.splice(0, this.next(limits, maxUnits).count);
    this.#taken = taken;
    return taken;
  }

  /**
   * Puts the taken messages that are not settled back in front: nothing overtakes a message that is sent again.
   * @param maybeSent Whether the server may have got it.
   */
  putBack({ maybeSent }: { readonly maybeSent: boolean }): void {
    const unsettled = this.#taken.filter((entry) => !entry.settled);
    for (const entry of unsettled) entry.retry ||= maybeSent;
    this.#queued = [...unsettled, ...this.#queued];
    this.#taken = [];
    this.#dropExpired();
  }

  /**
   * Rejects every message.
   * @param kept Whether a later client is going to send them.
   */
  rejectAll(error: BeckonError, { kept }: { readonly kept: boolean }): void {
    const inFlight = new Set(this.#taken);
    for (const entry of this.#unsettled) {
      const maybeDelivered = kept || entry.retry || inFlight.has(entry);
      entry.reject(new BeckonError(error.code, error.message, { ...error, maybeDelivered }));
    }
    this.#taken = [];
  }

  get #unsettled(): readonly OwnMessage[] {
    return [...this.#taken, ...this.#queued].filter(({ settled }) => !settled);
  }

  /** Prepares a message for the queue: its expiry, and what happens when it is settled. */
  #enter(message: QueuedMessage & Pick<OwnMessage, 'expiresAt' | 'isLocal'>, signal?: AbortSignal): OwnMessage {
    const expiry = createTimer(this.#environment);
    const settle =
      <T>(name: 'result' | 'error', tell: (outcome: T) => void) =>
      (outcome: T) => {
        entry.settled = true;
        expiry.stop();
        stopWaiting();
        this.#queued = this.#queued.filter((other) => other !== entry);
        this.#onChange({ text: message.text, [name]: outcome });
        tell(outcome);
      };
    const entry: OwnMessage = {
      ...message,
      expiry,
      settled: false,
      accept: settle('result', message.accept),
      reject: settle('error', message.reject),
    };
    if (this.#isTimed(entry)) this.#startExpiry(entry);
    const stopWaiting = onAbort(signal, entry.reject);
    return entry;
  }

  #startExpiry(entry: OwnMessage): void {
    // The clock by which it was stored may have been ahead by more than a timer can wait.
    entry.expiry.start(Math.min(entry.expiresAt - this.#clock.now(), MAX_TIMER_MS), () => {
      // Timers may fire a millisecond before the clock says so.
      entry.expiresAt = Number.NEGATIVE_INFINITY;
      this.#dropExpired();
    });
  }

  /** Whether the clock by which the message expires is known. */
  #isTimed({ isLocal }: OwnMessage): boolean {
    return isLocal || this.#clock.aheadMs !== undefined;
  }

  /** Drops no message in flight: the answer is on its way. */
  #dropExpired(): void {
    const now = this.#clock.now();
    const expired = this.#queued.filter((entry) => this.#isTimed(entry) && entry.expiresAt <= now);
    for (const entry of expired) entry.reject(new BeckonError('expired', undefined, { maybeDelivered: entry.retry }));
  }

  /** The limits may have changed since the message was added. */
  #refuseOversize(limits: Limits): void {
    while (this.#queued[0] && countMessages(this.#queued.slice(0, 1), limits) === 0) {
      this.#queued[0].reject(new BeckonError('frame_too_large'));
    }
  }
}
