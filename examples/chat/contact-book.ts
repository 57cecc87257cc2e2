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

/** The contacts of one user, kept in `localStorage`. Several pages of the user add to the same book. */
export class ContactBook {
  readonly #storageKey: string;

  constructor(me: string) {
    this.#storageKey = `beckon-chat/contacts/${me}`;
  }

  /** The newest conversation first. */
  read(): readonly Contact[] {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(this.#storageKey) ?? '[]');
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
      localStorage.removeItem(this.#storageKey);
    } catch {
      // The browser keeps nothing.
    }
  }

  /** Calls `onDeleted` when another page of the user has deleted it, until the signal. */
  watch(onDeleted: () => void, signal: AbortSignal): void {
    const onStorage = ({ key, newValue }: StorageEvent) => {
      if (key === this.#storageKey && newValue === null) onDeleted();
    };
    addEventListener('storage', onStorage, { signal });
  }

  #write(contacts: readonly Contact[]): void {
    try {
      localStorage.setItem(this.#storageKey, JSON.stringify(contacts));
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
