import { find } from './dom.ts';

/** Announces new messages to screen readers. The log itself cannot be a live region, because it scrolls, sorts and loads. */
export class Announcer {
  readonly #region = find('#announcer', HTMLElement);

  say(text: string): void {
    const line = document.createElement('p');
    line.textContent = text;
    // Remove earlier announcements, but read out all messages that arrive together.
    while (this.#region.childElementCount >= 5) this.#region.firstElementChild?.remove();
    this.#region.append(line);
  }

  clear(): void {
    this.#region.replaceChildren();
  }
}
