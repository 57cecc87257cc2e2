import { keyOf, type Place } from './place.ts';

/** A place in the list of conversations. */
export interface Contact {
  readonly place: Place;
  /** The time of the last message, or of the addition to the list: epoch milliseconds. */
  readonly lastAt: number;
  readonly lastText: string;
  /** The highest known serial of the conversation. Absent: unknown. */
  readonly lastSerial?: string | undefined;
}

const MAX_CONTACTS = 100;

/** The storage of the book: `localStorage`. */
export interface BookStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** The contacts of one user. Several pages of the user add to the same book. */
export class ContactBook {
  /** The storage key of the book. */
  readonly key: string;
  readonly #storage: () => BookStorage;

  /** @param storage Called for each access, because reading `localStorage` throws if the browser refuses it. */
  constructor(me: string, storage: () => BookStorage) {
    this.key = `beckon-chat/contacts/${me}`;
    this.#storage = storage;
  }

  /** Returns the contacts, the newest conversation first. */
  read(): readonly Contact[] {
    try {
      const kept: unknown = JSON.parse(this.#storage().getItem(this.key) ?? '[]');
      return Array.isArray(kept) ? kept.filter(isContact) : [];
    } catch {
      // The value is invalid, or the browser stores nothing: begin with an empty list.
      return [];
    }
  }

  /** Stores contacts. A later entry of another page for the same conversation stays. */
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

  /** Deletes the book. */
  delete(): void {
    try {
      this.#storage().removeItem(this.key);
    } catch {
      // The browser stores nothing.
    }
  }

  #write(contacts: readonly Contact[]): void {
    try {
      this.#storage().setItem(this.key, JSON.stringify(contacts));
    } catch {
      // The storage is full or refused: the list lasts only as long as the page.
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
