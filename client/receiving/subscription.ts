import type { JoinedReply, Message, PongReply, Problem, RegisteredReply, RegisterFrame } from '../../protocol/index.ts';
import { retryDelayMs } from '../base/backoff.ts';
import { sleep } from '../base/timer.ts';
import type { Context, OpenConnection } from '../connection/context.ts';
import { type Outcome, problemOf } from '../connection/requests.ts';
import { serialTimeMs } from './cursor.ts';
import type { Feed } from './feed.ts';

/** What the server answers to `register` and to `join`. */
type SubscribedReply = RegisteredReply | JoinedReply;

/** Which page is asked for; the first one, with `attempt`, also subscribes. */
export type Place = Pick<RegisterFrame, 'attempt' | 'cursor' | 'after'>;

/** What is particular to the subscription to one address. */
export interface SubscriptionTarget {
  /** Sends a frame, and gives what became of it: `unanswered` only when the connection has shown to be alive. */
  ask(place: Place): Promise<Outcome>;
  /** The first page is there. */
  onSubscribed(reply: SubscribedReply): void;
  /** The server refuses to subscribe this connection. */
  onRefused(problem: Problem): void;
  /** A resume has brought messages that the server does not know to have arrived. Absent: it keeps no account of them. */
  onNews?(): void;
}

/** Pushes that wait for the end of a resume. Beyond, they are taken from the log, by another resume. */
const MAX_HELD = 10_000;

/**
 * Keeps one connection subscribed to a feed, and its messages complete and in order. After it subscribes, it *resumes*: it reads the
 * missed messages page by page. Pushes that arrive meanwhile wait for the end of the resume, because they are younger.
 * Only then does the cursor move: to where the first page stood, as the pages may take long, and from then on with the
 * messages. If anything goes wrong before, the next resume begins at the same place.
 */
export class Subscription {
  readonly #context: Context;
  readonly #feed: Feed;
  readonly #connection: Pick<OpenConnection, 'nextAttempt'>;
  readonly #target: SubscriptionTarget;
  readonly #stopping = new AbortController();
  #latest = -1;
  #hasSubscribed = false;
  #subscribing: Promise<void> | undefined;
  /** `undefined`: the resume is complete. */
  #held: Message[] | undefined = [];
  /** More were pushed than can be held. */
  #overflown = false;
  /** Only once: where much comes, a pong does not have everything and leads to a resume, which again has news. */
  #toldNews = false;

  constructor(
    context: Context,
    feed: Feed,
    connection: Pick<OpenConnection, 'nextAttempt'>,
    target: SubscriptionTarget,
  ) {
    this.#context = context;
    this.#feed = feed;
    this.#connection = connection;
    this.#target = target;
  }

  /** Subscribes, for the first time or again, and resumes. Resolves when the connection is subscribed, or the server refuses. */
  subscribe(): Promise<void> {
    this.#subscribing ??= this.#subscribe(0).finally(() => {
      this.#subscribing = undefined;
    });
    return this.#subscribing;
  }

  /** Resolves when the current attempt to subscribe ends. `undefined` without an attempt. */
  get settled(): Promise<void> | undefined {
    return this.#subscribing;
  }

  onPush(messages: readonly Message[]): void {
    if (this.#held) this.#hold(this.#held, messages);
    else this.#takeOver(messages);
  }

  /** The messages of a pong follow the cursor without a gap, so the client may hand them on in the middle of a resume. */
  onPong({ messages, more, serverTime }: PongReply): void {
    this.#feed.clock.observe(serverTime);
    if (this.#held || more) this.#handOn(messages);
    else this.#takeOver(messages);
    if (more && !this.#held) void this.subscribe();
  }

  /** The server has refused the cursor: resumes without it. */
  onInvalidCursor(cursor: string | undefined): void {
    if (this.#dropCursor(cursor)) void this.subscribe();
  }

  /**
   * Ignores what is still on its way.
   * @returns When no attempt to subscribe is on its way any more.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#subscribing;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #subscribe(failures: number): Promise<void> {
    const attempt = this.#connection.nextAttempt();
    const cursor = this.#feed.cursor.value;
    this.#latest = attempt;
    this.#held ??= [];
    this.#overflown = false;
    const outcome = await this.#target.ask({ attempt, cursor });
    if (this.#stopped || outcome.kind === 'lost') return;
    if (isPage(outcome)) this.#onSubscribed(outcome.reply, attempt, cursor);
    else if (outcome.kind === 'unanswered' || this.#isCurable(outcome, cursor)) await this.#subscribe(failures);
    else if (this.#isPassing(outcome)) {
      await this.#wait(failures, outcome);
      if (!this.#stopped) await this.#subscribe(failures + 1);
    } else if (outcome.kind === 'error') this.#target.onRefused(outcome.problem);
  }

  #onSubscribed(reply: SubscribedReply, attempt: number, cursor: string | undefined): void {
    const { room, clock } = this.#feed;
    clock.observe(reply.serverTime);
    this.#hasSubscribed = true;
    if (room !== undefined && cursor === undefined) this.#feed.floor = reply.cursor;
    if (cursor === undefined && 'shown' in reply) this.#feed.dedupe.addShown(reply.shown ?? [], reply.serverTime);
    this.#target.onSubscribed(reply);
    if (!reply.recovered && this.#feed.cursor.isNewGap(cursor)) this.#tellGap(cursor);
    void this.#resume(reply, attempt, cursor);
  }

  async #resume(first: SubscribedReply, attempt: number, cursor: string | undefined): Promise<void> {
    let page: SubscribedReply | undefined = first;
    while (page && this.#isLatest(attempt)) {
      this.#handOn(page.messages.filter(({ serial }) => serial >= this.#feed.floor));
      if (page.more) page = await this.#readPage({ cursor, after: page.messages.at(-1)?.serial }, attempt);
      else return this.#complete(first.cursor);
    }
  }

  /** Asks until the page is there. `undefined`: this resume has failed. */
  async #readPage(place: Place, attempt: number): Promise<SubscribedReply | undefined> {
    for (let failures = 0; ; failures += 1) {
      const outcome = await this.#target.ask(place);
      if (isPage(outcome)) return outcome.reply;
      if (!this.#isLatest(attempt)) return undefined;
      if (outcome.kind === 'error' && !outcome.problem.retryable) {
        if (this.#isCurable(outcome, place.cursor)) void this.subscribe();
        else this.#target.onRefused(outcome.problem);
        return undefined;
      }
      await this.#wait(failures, outcome);
      if (this.#stopped) return undefined;
    }
  }

  #complete(cursor: string): void {
    if (this.#overflown) {
      void this.subscribe();
      return;
    }
    this.#handOn(this.#held ?? []);
    this.#held = undefined;
    this.#feed.cursor.advance(cursor);
    if (!this.#feed.hasNews || this.#toldNews || this.#stopped) return;
    this.#toldNews = true;
    this.#target.onNews?.();
  }

  #hold(held: Message[], messages: readonly Message[]): void {
    this.#overflown ||= held.length + messages.length > MAX_HELD;
    if (this.#overflown) held.length = 0;
    else held.push(...messages);
  }

  #handOn(messages: readonly Message[]): void {
    // A listener may have closed the client.
    if (!this.#stopped) for (const message of messages) this.#context.handOn(this.#feed, message);
  }

  #takeOver(messages: readonly Message[]): void {
    this.#handOn(messages);
    for (const { serial } of messages) this.#feed.cursor.advance(serial);
  }

  /** Whether subscribing again may succeed. */
  #isCurable(outcome: Outcome, cursor: string | undefined): boolean {
    const code = problemOf(outcome)?.code;
    if (code === 'invalid_cursor') this.#dropCursor(cursor);
    return code === 'superseded' || (code === 'invalid_cursor' && cursor !== undefined);
  }

  /** Whether to wait and try again. A new connection that cannot register is of no use: another one may succeed. */
  #isPassing(outcome: Outcome): boolean {
    const isOfUse = this.#feed.room !== undefined || this.#hasSubscribed;
    return isOfUse && (outcome.kind === 'refused' || problemOf(outcome)?.retryable === true);
  }

  /** False when it is not, or no longer, the session's. */
  #dropCursor(refused: string | undefined): boolean {
    if (refused === undefined || refused !== this.#feed.cursor.value) return false;
    this.#feed.cursor.drop();
    this.#tellGap(undefined);
    return true;
  }

  #tellGap(cursor: string | undefined): void {
    const { room } = this.#feed;
    this.#context.emit('gap', {
      ...(room !== undefined && { room }),
      ...(cursor !== undefined && { sinceMs: serialTimeMs(cursor) }),
    });
  }

  #isLatest(attempt: number): boolean {
    return !this.#stopped && attempt === this.#latest;
  }

  #wait(failures: number, outcome: Outcome): Promise<void> {
    const { environment, options } = this.#context;
    const delayMs = retryDelayMs(problemOf(outcome), failures, environment.random, options);
    return sleep(environment, delayMs, this.#stopping.signal);
  }
}

function isPage(outcome: Outcome): outcome is { readonly kind: 'reply'; readonly reply: SubscribedReply } {
  return outcome.kind === 'reply' && (outcome.reply.type === 'registered' || outcome.reply.type === 'joined');
}
