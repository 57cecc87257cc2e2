import type { HistoryPage } from '../api.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import { serialTimeMs } from '../receiving/cursor.ts';
import { MAX_PAGE_SIZE } from './conversation-state.ts';
import type { ConversationParts } from './outgoing-entries.ts';

/** How many pages fill a gap at most. */
const MAX_BRIDGE_PAGES = 4;

/** How many pages without a message `loadEarlier` reads at most. */
const MAX_EMPTY_PAGES = 10;

/** How far the index of the server may lag behind, milliseconds. What the client did not see itself is read again after this time. */
const MAX_INDEX_LAG_MS = 10_000;

/** What is to be read. */
export interface Reading {
  /** From this moment on, by the server's clock. */
  readonly fromMs: number;
  /** Entries before it are forgotten if the pages do not reach it. */
  readonly isGap: boolean;
}

/** The conversation, as far as its history is concerned. */
export interface PagesOwner<Data> {
  readonly pageSize: number;
  /** Does `work` until it succeeds, or the conversation fails. */
  persist(work: () => Promise<void>): Promise<void>;
  /** Messages were missed. */
  onMissing(): void;
  /** Resolves when everything that happens from now on arrives live. */
  enter(): Promise<void>;
  /** Takes over what a page has. */
  take(page: HistoryPage<Data>): void;
  /** Everything that was wanted is there. */
  onComplete(): void;
}

/** Reads the pages of a conversation: the newest at first, after gaps and reconnects, and earlier ones. */
export class HistoryPages<Data> {
  readonly #parts: ConversationParts<Data>;
  readonly #owner: PagesOwner<Data>;
  readonly #later: Timer;
  #hasLoaded = false;
  /** `undefined`: nothing is being read. */
  #loading: Promise<void> | undefined;
  #wanted: Reading | undefined;
  #wantedLater: Reading | undefined;
  #loadingEarlier: Promise<void> | undefined;

  constructor(parts: ConversationParts<Data>, owner: PagesOwner<Data>) {
    this.#parts = parts;
    this.#owner = owner;
    this.#later = createTimer(parts.core.environment);
  }

  /** Reads what may have been missed since the newest entry. */
  load(isGap: boolean): void {
    const { newest } = this.#parts.list;
    this.#load({ fromMs: newest === undefined ? Number.NEGATIVE_INFINITY : serialTimeMs(newest), isGap });
  }

  /** Reads again, once the index has caught up, what happened about this moment. */
  readAgain(momentMs: number): void {
    const { core } = this.#parts;
    if (core.over) return;
    this.#wantedLater = merge(this.#wantedLater, { fromMs: momentMs - MAX_INDEX_LAG_MS, isGap: false });
    this.#later.start(MAX_INDEX_LAG_MS, () => {
      if (this.#wantedLater) this.#load(this.#wantedLater);
      this.#wantedLater = undefined;
    });
  }

  loadEarlier(limit: number): Promise<void> {
    this.#loadingEarlier ??= this.#loadEarlier(limit).finally(() => {
      this.#loadingEarlier = undefined;
    });
    return this.#loadingEarlier;
  }

  stop(): void {
    this.#later.stop();
  }

  #load(reading: Reading): void {
    this.#wanted = merge(this.#wanted, reading);
    this.#loading ??= this.#loadWanted().finally(() => {
      this.#loading = undefined;
    });
  }

  async #loadWanted(): Promise<void> {
    while (this.#wanted && !this.#parts.signal.aborted) {
      let isDone = false;
      await this.#owner.persist(async () => {
        // Anew with each attempt: more may be wanted by then.
        const wanted = this.#wanted;
        if (wanted?.isGap && this.#hasLoaded) this.#owner.onMissing();
        await this.#owner.enter();
        if (wanted) await this.#read(wanted);
        if (this.#wanted === wanted) this.#wanted = undefined;
        isDone = true;
      });
      // Refused: with the next connection it may be allowed.
      if (!isDone) this.#wanted = undefined;
    }
  }

  async #read({ fromMs, isGap }: Reading): Promise<void> {
    const { core, list, peer, signal } = this.#parts;
    const startedMs = core.clock.now();
    let page = await this.#history({ limit: this.#owner.pageSize });
    const pages = [page];
    const reaches = ({ next }: HistoryPage<Data>) => next === undefined || serialTimeMs(next) < fromMs;
    while (this.#hasLoaded && page.next !== undefined && !reaches(page) && pages.length < MAX_BRIDGE_PAGES) {
      page = await this.#history({ limit: MAX_PAGE_SIZE, before: page.next });
      pages.push(page);
    }
    if (signal.aborted) return;
    if (isGap && page.next !== undefined && !reaches(page)) list.forgetBelow(page.next);
    this.#hasLoaded = true;
    for (const each of pages) this.#owner.take(each);
    this.#owner.onComplete();
    // What happened just before this client came, the client before it was handed, and perhaps no index has it yet.
    const seenFromMs = core.parts.sending?.memory.fromMs ?? Number.POSITIVE_INFINITY;
    const isStronglyConsistent = 'room' in peer;
    if (isGap && !isStronglyConsistent && seenFromMs > startedMs - MAX_INDEX_LAG_MS) this.readAgain(startedMs);
  }

  async #loadEarlier(limit: number): Promise<void> {
    const { list, signal, changed } = this.#parts;
    const before = list.earlier;
    if (before === undefined || list.isFull) return;
    list.isPinned = true;
    try {
      // A schema may have rejected whole pages.
      for (
        let count = 0, from: string | undefined = before;
        from !== undefined && count < MAX_EMPTY_PAGES;
        count += 1
      ) {
        const page = await this.#history({ limit, before: from });
        // A gap may have emptied the list meanwhile.
        if (signal.aborted || list.earlier !== from) return;
        from = page.next;
        list.earlier = from;
        this.#owner.take(page);
        if (page.messages.length > 0) break;
      }
      list.keepAll();
    } finally {
      list.isPinned = false;
      list.trim();
      changed();
    }
  }

  #history(options: { readonly limit: number; readonly before?: string }): Promise<HistoryPage<Data>> {
    const { client, peer, signal } = this.#parts;
    return client.history(peer, { ...options, signal });
  }
}

function merge(one: Reading | undefined, other: Reading): Reading {
  return one ? { fromMs: Math.min(one.fromMs, other.fromMs), isGap: one.isGap || other.isGap } : other;
}
