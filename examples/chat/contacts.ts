import { type Contact, ContactBook } from './contact-book.ts';
import { ContactList, type ContactState } from './contact-list.ts';
import { keyOf, type Place } from './place.ts';
import type { PresenceBook } from './presence-book.ts';
import type { Thread } from './thread.ts';
import type { Threads } from './threads.ts';
import { laterSerial } from './timeline.ts';

/** The maximum length of the preview of the last message, in UTF-16 code units. */
const MAX_TEXT_LENGTH = 200;

export interface ContactsHost {
  readonly signal: AbortSignal;
  readonly me: string;
  readonly threads: Threads;
  readonly presence: Pick<PresenceBook, 'of'>;
  /** Returns the open conversation. */
  open(): Thread | undefined;
  onOpen(place: Place): void;
}

/** The user's conversations, in the list and in the stored book. */
export class Contacts {
  readonly #host: ContactsHost;
  readonly #book: ContactBook;
  readonly #list: ContactList;
  readonly #contacts = new Map<string, Contact>();
  /** The contacts that the book does not have yet. One write stores the last of many messages that arrive together. */
  readonly #unwritten = new Map<string, Contact>();
  #isStale = false;
  #isEnded = false;
  #isForgotten = false;

  constructor(host: ContactsHost) {
    this.#host = host;
    this.#book = new ContactBook(host.me, () => localStorage);
    this.#list = new ContactList((place) => host.onOpen(place));
    addEventListener('storage', (event) => this.#onStorage(event), { signal: host.signal });
  }

  /** Reads the contacts of earlier pages from the book. */
  restore(): void {
    for (const contact of this.#book.read()) {
      this.#contacts.set(keyOf(contact.place), contact);
      this.#host.threads.at(contact.place);
    }
    this.refresh();
  }

  /** Adds a conversation, unless it is in the list. */
  add(place: Place): void {
    if (!this.#contacts.has(keyOf(place))) this.#put({ place, lastAt: Date.now(), lastText: '' });
    this.refresh();
  }

  remove({ place }: Thread): void {
    this.#contacts.delete(keyOf(place));
    this.#unwritten.delete(keyOf(place));
    this.#book.remove(place);
    this.refresh();
  }

  /** Updates a conversation after a message. The list shows the newest conversation first. */
  update({ place, timeline }: Thread): void {
    const last = timeline.entries.at(-1);
    const known = this.#contacts.get(keyOf(place));
    if (!last || !known) return;
    // After a reload, repeated messages may be older than the last one in the book.
    const lastSerial = laterSerial(known.lastSerial, last.serial);
    if (last.serial !== undefined && last.serial !== lastSerial) return;
    const lastText = last.isOwn ? `You: ${last.text}` : 'room' in place ? `${last.author}: ${last.text}` : last.text;
    const isKnown = known.lastText === lastText.slice(0, MAX_TEXT_LENGTH) && known.lastAt === last.sentAt;
    if (isKnown && known.lastSerial === lastSerial) return;
    this.#put({ place, lastAt: last.sentAt, lastText: lastText.slice(0, MAX_TEXT_LENGTH), lastSerial });
  }

  /** Shows the current list, once for simultaneous changes. */
  refresh(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    queueMicrotask(() => {
      this.#isStale = false;
      if (!this.#isEnded) this.#show();
    });
  }

  focus(place: Place): void {
    this.#list.focus(keyOf(place));
  }

  /** Deletes the book: the next page begins with an empty list. */
  forget(): void {
    this.#isForgotten = true;
    this.#book.delete();
  }

  /** Ends the list permanently. */
  clear(): void {
    this.#isEnded = true;
    this.#write();
    this.#contacts.clear();
    this.#list.clear();
  }

  /** Writes the book again if another page of the user deletes it on sign-out, because this page still needs it. */
  #onStorage({ key, newValue }: StorageEvent): void {
    if (key === this.#book.key && newValue === null) this.#book.put([...this.#contacts.values()]);
  }

  #put(contact: Contact): void {
    this.#contacts.set(keyOf(contact.place), contact);
    this.#unwritten.set(keyOf(contact.place), contact);
  }

  #write(): void {
    if (this.#unwritten.size > 0 && !this.#isForgotten) this.#book.put([...this.#unwritten.values()]);
    this.#unwritten.clear();
  }

  #show(): void {
    this.#write();
    const sorted = [...this.#contacts].sort(([, one], [, other]) => other.lastAt - one.lastAt);
    this.#list.show(new Map(sorted.map(([key, contact]) => [key, this.#stateOf(contact)])));
    let unread = 0;
    for (const thread of this.#host.threads.all) unread += thread.unread;
    document.title = unread > 0 ? `(${unread}) Beckon` : 'Beckon';
  }

  #stateOf(contact: Contact): ContactState {
    const { threads, presence, open } = this.#host;
    const thread = threads.find(contact.place);
    return {
      ...contact,
      unread: thread?.unread ?? 0,
      hasMoreUnread: thread?.hasMoreUnread ?? false,
      presence: 'user' in contact.place ? presence.of(contact.place.user) : undefined,
      isOpen: thread !== undefined && thread === open(),
    };
  }
}
