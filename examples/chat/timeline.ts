/** What is known of a message that was written here, until the server has told its serial. */
export type Fate =
  | { readonly kind: 'queued' }
  /** `isStored`: there was no device that it could be sent to. */
  | { readonly kind: 'accepted'; readonly isStored: boolean }
  | { readonly kind: 'failed'; readonly why: string };

/** One message of a conversation. */
export interface Entry {
  /** Who wrote it: a user or a service. */
  readonly author: string;
  /** The message's identity, together with its author. */
  readonly id: string;
  readonly isOwn: boolean;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly sentAt: number;
  /** Its place in the conversation. Absent: the server has not told it yet. */
  readonly serial?: string;
  /** Absent: it was not written here. */
  readonly fate?: Fate;
}

/** What was said, in the order of the serials, each message once, wherever it came from; what has none yet comes last. */
export class Timeline {
  readonly #entries: Entry[] = [];
  readonly #known = new Map<string, Entry>();

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Adds a message, or what is new about it. @returns Whether it was not there. */
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

  /** Lets go of everything that has a place. */
  forget(): void {
    const kept = this.#entries.filter(({ serial }) => serial === undefined);
    this.#entries.splice(0, this.#entries.length, ...kept);
    this.#known.clear();
    for (const entry of kept) this.#known.set(entryKey(entry), entry);
  }

  /** Most come at the end, or near it. */
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

/** The later of two serials, of which either may be missing. */
export function laterSerial(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && (other === undefined || one > other) ? one : other;
}
