import type { ClientStorage } from '../../client/index.ts';

/** The browser's storage as one client has it, which can take everything out again that the client has put there. */
export class PageStorage implements ClientStorage {
  readonly #keys = new Set<string>();
  #isForgotten = false;

  get(key: string): string | null {
    return localStorage.getItem(key);
  }

  set(key: string, value: string): void {
    // A client that is being closed writes once more.
    if (this.#isForgotten) return;
    localStorage.setItem(key, value);
    this.#keys.add(key);
  }

  delete(key: string): void {
    localStorage.removeItem(key);
    this.#keys.delete(key);
  }

  keys(): readonly string[] {
    return Object.keys(localStorage);
  }

  /** Leaves nothing of the client behind, and keeps nothing from now on. */
  forget(): void {
    this.#isForgotten = true;
    for (const key of this.#keys) localStorage.removeItem(key);
  }
}
