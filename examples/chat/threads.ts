import { keyOf, type Place } from './place.ts';
import { Thread } from './thread.ts';

/** All conversations. */
export class Threads {
  readonly #threads = new Map<string, Thread>();
  readonly #onNew: (thread: Thread) => void;

  constructor(onNew: (thread: Thread) => void) {
    this.#onNew = onNew;
  }

  get all(): readonly Thread[] {
    return [...this.#threads.values()];
  }

  find(place: Place): Thread | undefined {
    return this.#threads.get(keyOf(place));
  }

  /** Returns the conversation at a place. Creates it at the first call. */
  at(place: Place): Thread {
    const known = this.find(place);
    if (known) return known;
    const thread = new Thread(place);
    this.#threads.set(keyOf(place), thread);
    this.#onNew(thread);
    return thread;
  }

  remove({ place }: Thread): void {
    this.#threads.delete(keyOf(place));
  }
}
