/** What one or several parts of the application hold: a room that they are in, a target that they watch. */
interface Hold {
  count: number;
}

/**
 * Counts who in this tab is in each room, and who watches each target, so that the client leaves when the last of them has left. A call
 * that fails does not count.
 */
export class Holds {
  readonly #holds = new Map<string, Hold>();

  /** Counts one more for each key, unless `call` fails. */
  async during<T>(keys: readonly string[], call: () => Promise<T>): Promise<T> {
    const taken = keys.map((key) => [key, this.#take(key)] as const);
    try {
      return await call();
    } catch (error) {
      // After the last has left, others may hold the key anew.
      for (const [key, hold] of taken) if (--hold.count === 0 && this.#holds.get(key) === hold) this.#holds.delete(key);
      throw error;
    }
  }

  /** Counts one less for the key. @returns whether nobody holds it any more */
  release(key: string): boolean {
    const hold = this.#holds.get(key);
    if (hold && --hold.count > 0) return false;
    this.#holds.delete(key);
    return true;
  }

  #take(key: string): Hold {
    const hold = this.#holds.get(key) ?? { count: 0 };
    hold.count += 1;
    this.#holds.set(key, hold);
    return hold;
  }
}
