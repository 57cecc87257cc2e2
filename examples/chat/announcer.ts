import { find } from './dom.ts';

/** Reads out what comes: a log that is scrolled, sorted and completed is no live region. */
export class Announcer {
  readonly #region = find('#announcer', HTMLElement);

  say(text: string): void {
    const line = document.createElement('p');
    line.textContent = text;
    // What was said before is gone; several that come at once are read out all.
    while (this.#region.childElementCount >= 5) this.#region.firstElementChild?.remove();
    this.#region.append(line);
  }

  clear(): void {
    this.#region.replaceChildren();
  }
}
