import { keyOf, type Place } from './place.ts';

/** Somebody, or a room, in the list of conversations. */
export interface Contact {
  readonly place: Place;
  /** When something was last said there, or it was added: epoch milliseconds. */
  readonly lastAt: number;
  readonly lastText: string;
  /** The latest place in the conversation that is known. Absent: none is. */
  readonly lastSerial?: string | undefined;
}

const MAX_CONTACTS = 100;

/** What a book is kept in: `localStorage`. */
export interface BookStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** The contacts of one user. Several pages of the user add to the same book. */
export class ContactBook {
  /** Under which it is stored. */
  readonly key: string;
  readonly #storage: () => BookStorage;

  /** @param storage Looked up at each call: where it is refused, the look alone throws. */
  constructor(me: string, storage: () => BookStorage) {
    this.key = `beckon-chat/contacts/${me}`;
    this.#storage = storage;
  }

  /** The newest conversation first. */
  read(): readonly Contact[] {
    try {
      const kept: unknown = JSON.parse(this.#storage().getItem(this.key) ?? '[]');
      return Array.isArray(kept) ? kept.filter(isContact) : [];
    } catch {
      // Neither written by this page nor of use to it, or the browser keeps nothing: the list begins anew.
      return [];
    }
  }

  /** What another page of the user has written later, of the same conversation, stays. */
  put(contacts: readonly Contact[]): void {
    const all = new Map(this.read().map((contact) => [keyOf(contact.place), contact]));
    for (const contact of contacts) {
      const { lastSerial = '' } = all.get(keyOf(contact.place)) ?? {};
      if (lastSerial <= (contact.lastSerial ?? '')) all.set(keyOf(contact.place), contact);
    }
    const sorted = [...all.values()].sort((one, other) => other.lastAt - one.lastAt);
    this.#write(sorted.slice(0, MAX_CONTACTS));
  }

  remove(place: Place): void {
    this.#write(this.read().filter((contact) => keyOf(contact.place) !== keyOf(place)));
  }

  /** Leaves nothing behind. */
  delete(): void {
    try {
      this.#storage().removeItem(this.key);
    } catch {
      // The browser keeps nothing.
    }
  }

  #write(contacts: readonly Contact[]): void {
    try {
      this.#storage().setItem(this.key, JSON.stringify(contacts));
    } catch {
      // Full, or refused: the list lasts as long as the page, which goes on without it.
    }
  }
}

function isContact(value: unknown): value is Contact {
  if (typeof value !== 'object' || value === null) return false;
  const { place, lastAt, lastText, lastSerial = '' } = value as { readonly [name in keyof Contact]?: unknown };
  return (
    isPlace(place) && typeof lastAt === 'number' && [lastText, lastSerial].every((each) => typeof each === 'string')
  );
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  const { user, room, service } = value as Readonly<Record<string, unknown>>;
  return typeof (user ?? room ?? service) === 'string';
}
