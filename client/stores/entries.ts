import type { MessageSource } from '../../protocol/index.ts';
import type { ReceivedMessage } from '../api.ts';
import type { BeckonError } from '../errors.ts';

/**
 * How far a message has come: `sending` until the server has it, `sent`, `received` by an application of the other user, `read` by the
 * other user; or `failed`. Messages of others, in rooms and without receipts stay `sent`.
 */
export type EntryStatus = 'sending' | 'failed' | 'sent' | 'received' | 'read';

/** One message of a conversation. An entry never changes: an entry with the same key takes its place. */
export interface Entry<Data> {
  /** Identifies the entry in its conversation, from the first moment on. */
  readonly key: string;
  /** The id of the message. */
  readonly id: string;
  readonly from: MessageSource;
  readonly data: Data;
  /** The encoding, if this client could not decode the data. */
  readonly encoding?: string;
  /** Epoch milliseconds by the server's clock; until the server has the message, when it was sent here. */
  readonly sentAt: number;
  /** Whether this user has sent it, on any device. */
  readonly isOwn: boolean;
  /** Absent until the server has the message. */
  readonly serial?: string;
  readonly status: EntryStatus;
  /** Why it has failed: a {@link BeckonError}, or a `TypeError` for data that cannot be sent. */
  readonly error?: BeckonError | TypeError;
}

/** The serials up to which the other user has received and read this user's messages, and this user the others'. */
export interface Positions {
  readonly received: string;
  readonly read: string;
  readonly ownRead: string;
}

/** How many entries are kept, unless the application asks for more. */
export const WINDOW = 1_000;

/** The most entries that are kept. */
export const MAX_ENTRIES = 10_000;

/** A message with a serial, or the identity of one. */
type Placed<Data> = Entry<Data> & { readonly serial: string };

/** Names a message: copies of one message have the same key. An id has no blanks. */
export function keyOfMessage({ id, from }: Pick<ReceivedMessage, 'id' | 'from'>, isOwn: boolean): string {
  if (isOwn) return ownKey(id);
  return 'user' in from ? `user ${id} ${from.user}` : `service ${id} ${from.service}`;
}

/** Names a message of this user, whose name is not known before the first connection. */
export function ownKey(id: string): string {
  return `own ${id}`;
}

/**
 * The entries of a conversation, each once: by serial, then the entries without a serial in the order of sending. A message takes no
 * more work than finding its place, and moving what comes after it.
 */
export class EntryList<Data> {
  readonly #byKey = new Map<string, Entry<Data>>();
  readonly #placed: Placed<Data>[] = [];
  /** Sending or failed. */
  readonly #waiting = new Map<string, Entry<Data>>();
  #maxCount = WINDOW;
  #positions: Positions = { received: '', read: '', ownRead: '' };
  /** Messages below this serial are on earlier pages. `undefined`: there are none, or it is not known yet. */
  earlier: string | undefined;
  /** Keeps all entries, while earlier ones are being loaded. */
  isPinned = false;

  get(key: string): Entry<Data> | undefined {
    return this.#byKey.get(key);
  }

  /** A copy. */
  all(): readonly Entry<Data>[] {
    return [...this.#placed, ...this.#waiting.values()];
  }

  get newest(): string | undefined {
    return this.#placed.at(-1)?.serial;
  }

  get isFull(): boolean {
    return this.#placed.length >= MAX_ENTRIES;
  }

  /** Adds a message that the server has, or places the entry that waits for it. Of several copies, the earliest stands. */
  place(message: Omit<Entry<Data>, 'status' | 'key' | 'error'> & { readonly serial: string }): void {
    const key = keyOfMessage(message, message.isOwn);
    const known = this.#byKey.get(key);
    if (known?.serial !== undefined) {
      if (known.serial <= message.serial) return;
      this.#placed.splice(this.#indexOf(known.serial), 1);
    }
    this.#waiting.delete(key);
    this.#byKey.delete(key);
    if (this.earlier !== undefined && message.serial < this.earlier) return;
    const entry: Placed<Data> = { ...message, key, status: this.#statusOf(message) };
    this.#byKey.set(key, entry);
    this.#placed.splice(this.#indexOf(entry.serial), 0, entry);
    if (!this.isPinned) this.trim();
  }

  /** Adds or replaces an entry that the server does not have: the last of those, if it is new. */
  wait(entry: Entry<Data>): void {
    if (this.#byKey.get(entry.key)?.serial !== undefined) return;
    this.#byKey.set(entry.key, entry);
    this.#waiting.set(entry.key, entry);
  }

  /** Forgets an entry that the server does not have. */
  discard(key: string): void {
    if (this.#waiting.delete(key)) this.#byKey.delete(key);
  }

  /** Entries that wait. */
  get waiting(): Iterable<Entry<Data>> {
    return this.#waiting.values();
  }

  /** Lets the window grow to what it holds now. */
  keepAll(): void {
    this.#maxCount = Math.min(MAX_ENTRIES, Math.max(this.#maxCount, this.#placed.length));
  }

  /** Forgets the oldest entries beyond the window. */
  trim(): void {
    if (this.#placed.length > this.#maxCount) this.forgetBelow(this.#placed.at(-this.#maxCount)?.serial ?? '');
  }

  /** Forgets the entries below a serial: they are on earlier pages from now on. */
  forgetBelow(serial: string): void {
    for (const { key } of this.#placed.splice(0, this.#indexOf(serial))) this.#byKey.delete(key);
    this.earlier = serial;
  }

  /** Moves positions forward. @returns whether one has moved */
  advance(positions: Partial<Record<keyof Positions, string | undefined>>): boolean {
    const before = this.#positions;
    const { received, read = '', ownRead } = positions;
    this.#positions = {
      // Whoever has read a message has received it.
      received: latest(before.received, received, read),
      read: latest(before.read, read),
      ownRead: latest(before.ownRead, ownRead),
    };
    this.#updateStatuses();
    return (['received', 'read', 'ownRead'] as const).some((name) => this.#positions[name] !== before[name]);
  }

  /** The entries of others above the read position, oldest first. Looks no further back than the first of them. */
  unread(): readonly Entry<Data>[] {
    const above = this.#placed.slice(this.#indexAbove(this.#positions.ownRead));
    return above.filter(({ isOwn }) => !isOwn);
  }

  /** The newest entry of another. */
  get newestOfOthers(): Placed<Data> | undefined {
    return this.#placed.findLast(({ isOwn }) => !isOwn);
  }

  #statusOf({ isOwn, serial }: { readonly isOwn: boolean; readonly serial: string }): EntryStatus {
    if (!isOwn) return 'sent';
    const { received, read } = this.#positions;
    return serial <= read ? 'read' : serial <= received ? 'received' : 'sent';
  }

  /** From the newest entry back to the first one that has come as far already: those before it have, too. */
  #updateStatuses(): void {
    for (let index = this.#indexAbove(this.#positions.received) - 1; index >= 0; index -= 1) {
      const entry = this.#placed[index];
      if (!entry?.isOwn) continue;
      const status = this.#statusOf(entry);
      if (status === entry.status && status === 'read') return;
      if (status === entry.status) continue;
      const updated = { ...entry, status };
      this.#placed[index] = updated;
      this.#byKey.set(entry.key, updated);
    }
  }

  /** Where an entry of this serial is, or would be. */
  #indexOf(serial: string): number {
    const last = this.#placed.at(-1);
    if (!last || last.serial < serial) return this.#placed.length;
    let [from, to] = [0, this.#placed.length - 1];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#placed[middle]?.serial ?? '') < serial) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #indexAbove(serial: string): number {
    const index = this.#indexOf(serial);
    return this.#placed[index]?.serial === serial ? index + 1 : index;
  }
}

function latest(...serials: readonly (string | undefined)[]): string {
  let latest = '';
  for (const serial of serials) if (serial !== undefined && serial > latest) latest = serial;
  return latest;
}
