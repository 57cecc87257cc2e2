import type { Presence } from '../../client/index.ts';
import { showAvatar, showPresence } from './avatar.ts';
import { arrange, find, fromTemplate } from './dom.ts';
import { type Place, titleOf } from './place.ts';
import type { Attendance } from './room-watch.ts';
import { describeOccupancy, describePresence } from './words.ts';

export interface ThreadHeaderHandlers {
  readonly signal: AbortSignal;
  onBack(): void;
  onLeave(): void;
  onRejoin(): void;
  /** The user chose a member of the room. */
  onPerson(user: string): void;
}

/** The state of a room that the header shows. */
export interface RoomState {
  readonly me: string;
  /** The members and their number. `undefined`: unknown. */
  readonly attendance: Attendance | undefined;
  /** Why the user is not in the room. `undefined`: the user is in it. */
  readonly outside: string | undefined;
  readonly isConnected: boolean;
}

/** The header of the open conversation: its name, and the presence of the other user or the members of the room. */
export class ThreadHeader {
  readonly #title = find('#peer', HTMLElement);
  readonly #avatar = find('#peer-avatar', HTMLElement);
  readonly #presence = find('#peer-presence', HTMLElement);
  readonly #leave = find('#leave', HTMLButtonElement);
  readonly #members = find('#members', HTMLElement);
  readonly #memberList = find('#member-list', HTMLUListElement);
  readonly #outside = find('#outside', HTMLElement);
  readonly #handlers: ThreadHeaderHandlers;
  #chips = new Map<string, HTMLLIElement>();

  constructor(handlers: ThreadHeaderHandlers) {
    this.#handlers = handlers;
    const { signal } = handlers;
    find('#back', HTMLButtonElement).addEventListener('click', () => handlers.onBack(), { signal });
    this.#leave.addEventListener('click', () => handlers.onLeave(), { signal });
    find('#rejoin', HTMLButtonElement).addEventListener('click', () => handlers.onRejoin(), { signal });
  }

  open(place: Place): void {
    const isRoom = 'room' in place;
    this.#title.textContent = titleOf(place);
    showAvatar(this.#avatar, place);
    this.#leave.hidden = this.#members.hidden = !isRoom;
    this.#showNobody();
  }

  /** Removes all names. */
  clear(): void {
    this.#title.textContent = this.#avatar.textContent = this.#presence.textContent = '';
    this.#showNobody();
  }

  focus(): void {
    this.#title.focus();
  }

  showPerson(presence: Presence | undefined, isConnected: boolean): void {
    showPresence(this.#avatar, presence);
    this.#presence.textContent = describePresence(presence, Date.now(), isConnected);
  }

  showRoom({ attendance, me, outside, isConnected }: RoomState): void {
    showPresence(this.#avatar, undefined);
    this.#presence.textContent = attendance ? describeOccupancy(attendance.count, isConnected) : '';
    this.#outside.hidden = outside === undefined;
    find('#outside-reason', HTMLElement).textContent = outside ?? '';
    const users = attendance?.users ?? [];
    this.#chips = new Map(users.map((user) => [user, this.#chips.get(user) ?? this.#createChip(user, me)]));
    arrange(this.#memberList, [...this.#chips.values()]);
  }

  #showNobody(): void {
    this.#chips.clear();
    this.#memberList.replaceChildren();
  }

  #createChip(user: string, me: string): HTMLLIElement {
    const chip = fromTemplate('#member-template');
    const button = find('button', HTMLButtonElement, chip);
    showAvatar(find('.avatar', HTMLElement, chip), { user });
    find('.member-name', HTMLElement, chip).textContent = user === me ? 'You' : user;
    button.disabled = user === me;
    button.title = user === me ? '' : `Write to ${user}`;
    button.addEventListener('click', () => this.#handlers.onPerson(user));
    return chip;
  }
}
