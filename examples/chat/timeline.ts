/** The progress of a message that the user wrote on this page. */
export type Fate =
  | { readonly kind: 'queued' }
  /** `isStored`: no device of the recipient was connected. */
  | { readonly kind: 'accepted'; readonly isStored: boolean }
  | { readonly kind: 'failed'; readonly why: string };

/** One message of a conversation. */
export interface Entry {
  /** The user or the service that wrote it. */
  readonly author: string;
  /** Identifies the message together with its author. */
  readonly id: string;
  readonly isOwn: boolean;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly sentAt: number;
  /** Its position in the conversation. Absent: the server has not told it yet. */
  readonly serial?: string;
  /** The progress of the message. Absent: the user did not write it on this page. */
  readonly fate?: Fate;
}

/** The messages in the order of their serials, each once. Messages without a serial come last. */
export class Timeline {
  readonly #entries: Entry[] = [];
  readonly #known = new Map<string, Entry>();

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Adds a message, or updates it. @returns Whether it is new. */
  put(entry: Entry): boolean {
    const key = entryKey(entry);
    const known = this.#known.get(key);
    const merged = { ...known, ...entry };
    this.#known.set(key, merged);
    if (known) {
      const at = this.#entries.indexOf(known);
      if (known.serial === merged.serial) {
        this.#entries[at] = merged;
        return false;
      }
      this.#entries.splice(at, 1);
    }
    this.#entries.splice(this.#positionOf(merged), 0, merged);
    return known === undefined;
  }

  find(key: string): Entry | undefined {
    return this.#known.get(key);
  }

  /** Drops all messages that have a serial. */
  forget(): void {
    const kept = this.#entries.filter(({ serial }) => serial === undefined);
    this.#entries.splice(0, this.#entries.length, ...kept);
    this.#known.clear();
    for (const entry of kept) this.#known.set(entryKey(entry), entry);
  }

  /** Searches from the end, because most messages belong near it. */
  #positionOf({ serial }: Entry): number {
    let position = this.#entries.length;
    if (serial === undefined) return position;
    while (position > 0 && (this.#entries[position - 1]?.serial ?? '~') > serial) position -= 1;
    return position;
  }
}

export function entryKey({ author, id }: Pick<Entry, 'author' | 'id'>): string {
  return `${id} ${author}`;
}

/** Returns the later of two serials. Either may be missing. */
export function laterSerial(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && (other === undefined || one > other) ? one : other;
}
