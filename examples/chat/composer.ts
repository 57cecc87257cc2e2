import type { ConnectionState } from '../../client/index.ts';
import { find, listen } from './dom.ts';

export interface ComposerHandlers {
  readonly signal: AbortSignal;
  onSend(text: string): void;
  onInput(text: string): void;
}

/** The text field for new messages. */
export class Composer {
  readonly #form = find('#composer', HTMLFormElement);
  readonly #text = find('#text', HTMLTextAreaElement);
  readonly #hint = find('#composer-hint', HTMLElement);
  readonly #typing = find('#typing', HTMLElement);
  readonly #handlers: ComposerHandlers;

  constructor(handlers: ComposerHandlers) {
    this.#handlers = handlers;
    const { signal } = handlers;
    listen(this.#form, 'submit', () => this.#send(), signal);
    this.#text.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    this.#text.addEventListener('input', () => handlers.onInput(this.#text.value), { signal });
  }

  /** The unsent text. Each conversation has its own. */
  get draft(): string {
    return this.#text.value;
  }

  show(isShown: boolean, draft = ''): void {
    this.#form.hidden = !isShown;
    this.#text.value = draft;
  }

  /** Shows when the client would send a message. */
  showState({ status }: ConnectionState): void {
    this.#hint.textContent =
      status === 'connected'
        ? 'Enter sends, Shift+Enter starts a new line.'
        : 'Sent as soon as the connection is back.';
  }

  /** Replaces the hint without moving anything. */
  showTyping(text: string): void {
    this.#typing.textContent = text;
    this.#typing.hidden = text === '';
    this.#hint.hidden = text !== '';
  }

  focus(): void {
    this.#text.focus();
  }

  #send(): void {
    const text = this.#text.value.trim();
    if (text === '') return;
    this.#text.value = '';
    this.#text.focus();
    this.#handlers.onSend(text);
  }

  #onKey(event: KeyboardEvent): void {
    // While an input method composes text, Enter belongs to it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }
}
