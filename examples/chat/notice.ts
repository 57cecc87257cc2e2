import { find } from './dom.ts';

const SHOWN_MS = 10_000;

/** Shows errors that belong to no message. */
export class Notice {
  readonly #element = find('#notice', HTMLElement);
  readonly #text = find('#notice-text', HTMLElement);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal) {
    find('#notice-close', HTMLButtonElement).addEventListener('click', () => this.hide(), { signal });
    signal.addEventListener('abort', () => this.hide());
  }

  show(text: string): void {
    clearTimeout(this.#timer);
    this.#element.hidden = false;
    this.#text.textContent = text;
    this.#timer = setTimeout(() => this.hide(), SHOWN_MS);
  }

  hide(): void {
    clearTimeout(this.#timer);
    this.#element.hidden = true;
    this.#text.textContent = '';
  }
}
