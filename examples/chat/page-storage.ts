import type { ClientStorage } from '../../client/index.ts';

/** The browser's storage for one client. It can delete everything that the client has stored. */
export class PageStorage implements ClientStorage {
  readonly #keys = new Set<string>();
  #isForgotten = false;

  get(key: string): string | null {
    return localStorage.getItem(key);
  }

  set(key: string, value: string): void {
    // A client writes once more while it closes.
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
   * Deletes the records of the client, and stores nothing from now on. Also deletes the records of the user's closed
   * pages, because this client may not have taken them over yet.
   */
  forget(user: string): void {
    this.#isForgotten = true;
    for (const key of this.#keys) localStorage.removeItem(key);
    const ofUser = (key: string) => key.startsWith('beckon/') && key.includes(` ${encodeURIComponent(user)} `);
    for (const key of this.keys().filter(ofUser)) void removeUnlessHeld(key);
  }
}

/** Deletes a record unless a running client holds its lock. Without Web Locks, deletes it in any case. */
async function removeUnlessHeld(key: string): Promise<void> {
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) localStorage.removeItem(key);
  await locks?.request(key, { ifAvailable: true }, (lock) => {
    if (lock) localStorage.removeItem(key);
  });
}
