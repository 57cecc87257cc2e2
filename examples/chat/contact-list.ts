import type { Presence } from '../../client/index.ts';
import { showAvatar, showPresence } from './avatar.ts';
import { arrange, find, fromTemplate } from './dom.ts';
import { type Place, titleOf } from './place.ts';
import { describeTime } from './times.ts';

/** One entry of the list. */
export interface ContactState {
  readonly place: Place;
  readonly lastAt: number;
  readonly lastText: string;
  readonly unread: number;
  readonly hasMoreUnread: boolean;
  readonly presence: Presence | undefined;
  readonly isOpen: boolean;
}

interface ContactEntry {
  readonly element: HTMLLIElement;
  readonly button: HTMLButtonElement;
  show(state: ContactState): void;
}

/** The list of conversations. */
export class ContactList {
  readonly #list = find('#people', HTMLUListElement);
  readonly #nobody = find('#nobody', HTMLElement);
  readonly #entries = new Map<string, ContactEntry>();
  readonly #onOpen: (place: Place) => void;

  constructor(onOpen: (place: Place) => void) {
    this.#onOpen = onOpen;
  }

  /** @param contacts The contacts by key, in display order. */
  show(contacts: ReadonlyMap<string, ContactState>): void {
    for (const key of this.#entries.keys()) if (!contacts.has(key)) this.#entries.delete(key);
    const elements = [...contacts].map(([key, state]) => {
      const entry = this.#entries.get(key) ?? createEntry(state.place, () => this.#onOpen(state.place));
      this.#entries.set(key, entry);
      entry.show(state);
      return entry.element;
    });
    arrange(this.#list, elements);
    this.#nobody.hidden = contacts.size > 0;
  }

  focus(key: string): void {
    this.#entries.get(key)?.button.focus();
  }

  clear(): void {
    this.#entries.clear();
    this.#list.replaceChildren();
    this.#nobody.hidden = false;
  }
}

function createEntry(place: Place, onOpen: () => void): ContactEntry {
  const element = fromTemplate('#person-template');
  const part = (selector: string) => find(selector, HTMLElement, element);
  const button = find('button', HTMLButtonElement, element);
  const [avatar, presence, last, time, unread] = [
    part('.avatar'),
    part('.person-presence'),
    part('.person-last'),
    part('.person-time'),
    part('.unread'),
  ];
  showAvatar(avatar, place);
  part('.person-name').textContent = titleOf(place);
  button.addEventListener('click', onOpen);
  return {
    element,
    button,
    show: (state) => {
      if (state.isOpen) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
      showPresence(avatar, state.presence);
      presence.textContent = state.presence ? (state.presence.online ? 'online' : 'offline') : '';
      last.textContent = state.lastText;
      time.textContent = describeTime(state.lastAt, Date.now());
      unread.hidden = state.unread === 0;
      unread.textContent = `${state.unread}${state.hasMoreUnread ? '+' : ''}`;
      unread.setAttribute('aria-label', `${unread.textContent} unread`);
    },
  };
}
