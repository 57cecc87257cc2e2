import type { Message, PongReply, Problem, RegisteredReply, RegisterFrame } from '../protocol/index.ts';
import type { Gap } from './api.ts';
import { type Backoff, backoffDelayMs } from './backoff.ts';
import { type Cursor, serialTimeMs } from './cursor.ts';
import type { Environment } from './environment.ts';
import type { Outcome } from './requests.ts';
import { createTimer, type Timer } from './timer.ts';

/** The connection, as far as its subscription is concerned. */
export interface SubscriptionHost {
  /** Sends a frame, and gives what became of it: `unanswered` only when the connection has shown to be alive. */
  ask(encode: (id: string) => string): Promise<Outcome>;
  /** A registration is on its way. */
  onRegistering(): void;
  onRegistered(reply: RegisteredReply): void;
  /** The server does not want to register this connection. */
  onRefused(problem: Problem): void;
  /** Messages for the application, which may have had some of them. */
  onMessages(messages: readonly Message[]): void;
  onGap(gap: Gap): void;
  /** A resume has brought news, which the server does not know to have arrived. */
  onNews(): void;
}

/** Pushes that wait for the end of a resume. Beyond, they are taken from the log, by another resume. */
const MAX_HELD = 10_000;

/**
 * Keeps one connection registered, and what comes over it complete and in order. A registration is followed by a
 * *resume*: what was missed, page by page. Pushes that arrive meanwhile wait for its end, because they are younger.
 * Only then does the cursor move: to where the first page stood, as the pages may take long, and from then on with the
 * messages. If anything goes wrong before, the next resume begins at the same place.
 */
export class Subscription {
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #cursor: Cursor;
  readonly #host: SubscriptionHost;
  readonly #pause: Timer;
  #attempts = 0;
  #registering: Promise<void> | undefined;
  /** `undefined`: the resume is complete. */
  #held: Message[] | undefined = [];
  /** More were pushed than can be held. */
  #overflown = false;
  /** Only once: where much comes, a pong does not have everything and leads to a resume, which again has news. */
  #toldNews = false;
  #stopped = false;

  constructor(environment: Environment, backoff: Backoff, cursor: Cursor, host: SubscriptionHost) {
    this.#random = environment.random;
    this.#backoff = backoff;
    this.#cursor = cursor;
    this.#host = host;
    this.#pause = createTimer(environment);
  }

  /** Registers, for the first time or again, and resumes. Resolves when the connection is registered, or is not to be. */
  register(): Promise<void> {
    this.#registering ??= this.#register().finally(() => {
      this.#registering = undefined;
    });
    return this.#registering;
  }

  onPush(messages: readonly Message[]): void {
    if (this.#held) this.#hold(this.#held, messages);
    else this.#takeOver(messages);
  }

  /** What a pong has follows the cursor without a gap, so it may be handed on even in the middle of a resume. */
  onPong({ messages, more }: Pick<PongReply, 'messages' | 'more'>): void {
    if (this.#held || more) this.#handOn(messages);
    else this.#takeOver(messages);
    if (more && !this.#held) void this.register();
  }

  /** The server has refused the cursor: resumes without it. */
  onInvalidCursor(cursor: string | undefined): void {
    if (this.#dropCursor(cursor)) void this.register();
  }

  /** The connection is over: what is still on its way counts for nothing. */
  stop(): void {
    this.#stopped = true;
    this.#pause.stop();
  }

  async #register(): Promise<void> {
    const attempt = this.#attempts;
    const since = this.#cursor.value;
    this.#attempts += 1;
    this.#held ??= [];
    this.#overflown = false;
    this.#host.onRegistering();
    const outcome = await this.#ask({ attempt, since });
    if (this.#stopped) return;
    if (isRegistered(outcome)) this.#onRegistered(outcome.reply, attempt, since);
    else if (outcome.kind === 'unanswered' || this.#isCurable(outcome, since)) await this.#register();
    else if (outcome.kind === 'error') this.#host.onRefused(outcome.problem);
  }

  #onRegistered(reply: RegisteredReply, attempt: number, since: string | undefined): void {
    this.#host.onRegistered(reply);
    if (!reply.recovered && this.#cursor.isNewGap(since)) {
      this.#host.onGap(since === undefined ? {} : { sinceMs: serialTimeMs(since) });
    }
    void this.#resume(reply, attempt, since);
  }

  async #resume(first: RegisteredReply, attempt: number, since: string | undefined): Promise<void> {
    let page: RegisteredReply | undefined = first;
    while (page && this.#isLatest(attempt)) {
      this.#handOn(page.messages);
      if (page.more) page = await this.#readPage({ since, after: page.messages.at(-1)?.serial }, attempt);
      else return this.#complete(first.cursor, (page.messages.at(-1)?.serial ?? '') > (since ?? ''));
    }
  }

  /** Asks until the page is there. `undefined`: this resume has come to nothing. */
  async #readPage(
    place: Pick<RegisterFrame, 'since' | 'after'>,
    attempt: number,
  ): Promise<RegisteredReply | undefined> {
    for (let failures = 0; ; failures += 1) {
      const outcome = await this.#ask(place);
      if (isRegistered(outcome)) return outcome.reply;
      if (!this.#isLatest(attempt)) return undefined;
      if (outcome.kind === 'error' && !outcome.problem.retryable) {
        if (this.#isCurable(outcome, place.since)) void this.register();
        else this.#host.onRefused(outcome.problem);
        return undefined;
      }
      await this.#wait(failures);
    }
  }

  #complete(cursor: string, hasNews: boolean): void {
    if (this.#overflown) {
      void this.register();
      return;
    }
    this.#handOn(this.#held ?? []);
    this.#held = undefined;
    this.#cursor.advance(cursor);
    if (!hasNews || this.#toldNews || this.#stopped) return;
    this.#toldNews = true;
    this.#host.onNews();
  }

  #hold(held: Message[], messages: readonly Message[]): void {
    this.#overflown ||= held.length + messages.length > MAX_HELD;
    if (this.#overflown) held.length = 0;
    else held.push(...messages);
  }

  #handOn(messages: readonly Message[]): void {
    // A listener may have closed the client.
    if (!this.#stopped) this.#host.onMessages(messages);
  }

  #takeOver(messages: readonly Message[]): void {
    this.#handOn(messages);
    for (const { serial } of messages) this.#cursor.advance(serial);
  }

  /** Whether another registration may do better than the one that was refused. */
  #isCurable(outcome: Outcome, since: string | undefined): boolean {
    const code = outcome.kind === 'error' ? outcome.problem.code : undefined;
    if (code === 'invalid_cursor') this.#dropCursor(since);
    return code === 'superseded' || (code === 'invalid_cursor' && since !== undefined);
  }

  /** False when it is not, or no longer, the session's. */
  #dropCursor(refused: string | undefined): boolean {
    if (refused === undefined || refused !== this.#cursor.value) return false;
    this.#cursor.drop();
    this.#host.onGap({});
    return true;
  }

  #isLatest(attempt: number): boolean {
    return !this.#stopped && attempt === this.#attempts - 1;
  }

  #ask(frame: Omit<RegisterFrame, 'action' | 'id'>): Promise<Outcome> {
    return this.#host.ask((id) => JSON.stringify({ action: 'register', id, ...frame } satisfies RegisterFrame));
  }

  #wait(failures: number): Promise<void> {
    const delayMs = backoffDelayMs(failures, this.#random, this.#backoff);
    return new Promise((resolve) => this.#pause.start(delayMs, resolve));
  }
}

function isRegistered(outcome: Outcome): outcome is { readonly kind: 'reply'; readonly reply: RegisteredReply } {
  return outcome.kind === 'reply' && outcome.reply.type === 'registered';
}
