import { keyOf, type Place } from './place.ts';

/** Somebody, or a room, in the list of conversations. */
export interface Contact {
  readonly place: Place;
  /** When something was last said there, or it was added: epoch milliseconds. */
  readonly lastAt: number;
  readonly lastText: string;
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

  put(contacts: readonly Contact[]): void {
    const keys = new Set(contacts.map(({ place }) => keyOf(place)));
    const others = this.read().filter(({ place }) => !keys.has(keyOf(place)));
    const all = [...contacts, ...others].sort((one, other) => other.lastAt - one.lastAt);
    this.#write(all.slice(0, MAX_CONTACTS));
  }

  remove(place: Place): void {
    this.#write(this.read().filter((contact) => keyOf(contact.place) !== keyOf(place)));
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
  const { place, lastAt, lastText } = value as { readonly [name in keyof Contact]?: unknown };
  return isPlace(place) && typeof lastAt === 'number' && typeof lastText === 'string';
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  const { user, room, service } = value as Readonly<Record<string, unknown>>;
  return typeof (user ?? room ?? service) === 'string';
}
