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

  /**
   * Leaves nothing of the client behind, and keeps nothing from now on. Nor does it leave what pages of the same user that are
   * gone have left: this one may not have come so far as to take it over.
   */
  forget(user: string): void {
    this.#isForgotten = true;
    for (const key of this.#keys) localStorage.removeItem(key);
    const ofUser = (key: string) => key.startsWith('beckon/') && key.includes(` ${encodeURIComponent(user)} `);
    for (const key of this.keys().filter(ofUser)) void removeUnlessHeld(key);
  }
}

/** A client holds a lock of the name of its record while it runs. Without locks nobody knows of it, and the record goes. */
async function removeUnlessHeld(key: string): Promise<void> {
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) localStorage.removeItem(key);
  await locks?.request(key, { ifAvailable: true }, (lock) => {
    if (lock) localStorage.removeItem(key);
  });
}
