import { find, listen } from './dom.ts';
import type { Place } from './place.ts';

/** The form that adds a user or a room to the list. */
export class AddContact {
  readonly #name = find('#write-to', HTMLInputElement);
  readonly #label = find('#write-to-label', HTMLLabelElement);
  readonly #button = find('#write-to-button', HTMLButtonElement);
  readonly #room = find('#add-room', HTMLInputElement);
  readonly #user = find('#add-user', HTMLInputElement);
  readonly #onAdd: (place: Place) => void;

  constructor(onAdd: (place: Place) => void, signal: AbortSignal) {
    this.#onAdd = onAdd;
    listen(find('#write-to-form', HTMLFormElement), 'submit', () => this.#add(), signal);
    for (const choice of [this.#room, this.#user]) {
      choice.addEventListener('change', () => this.#showChoice(), { signal });
    }
    this.#showChoice();
  }

  focus(): void {
    this.#name.focus();
  }

  clear(): void {
    this.#name.value = '';
    this.#user.checked = true;
    this.#showChoice();
  }

  /** Treats a name with the mark of rooms as a room, whichever kind the user chose. */
  #add(): void {
    const typed = this.#name.value.trim();
    const isRoom = this.#room.checked || typed.startsWith('#');
    const name = isRoom ? typed.replace(/^#+/, '') : typed;
    if (name === '') {
      this.#name.focus();
      return;
    }
    this.clear();
    this.#onAdd(isRoom ? { room: name } : { user: name });
  }

  #showChoice(): void {
    const isRoom = this.#room.checked;
    this.#label.textContent = isRoom ? 'Join the room' : 'Write to';
    this.#name.placeholder = isRoom ? 'A name, such as lobby' : 'A name, such as bob';
    this.#button.textContent = isRoom ? 'Join' : 'Open';
  }
}
