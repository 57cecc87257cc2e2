import type { SendResult } from '../../protocol/index.ts';
import { ClientPart } from '../client.ts';
import type { Core } from '../core.ts';
import type { BeckonError } from '../errors.ts';
import type { StoragePart } from '../parts.ts';
import { LOCAL_STORAGE, recordPrefix } from './records.ts';
import type { Snapshot } from './storage.ts';
import { Store } from './store.ts';

/** What the store has to write when it happens. */
const CHANGES: readonly string[] = ['message', 'invalid', 'outbox', 'cursor', 'interest'];

/** Keeps what a client knows in a storage, and goes on from what earlier clients kept there. */
class KeptClient extends ClientPart implements StoragePart {
  readonly #store: Store;
  #isOver = false;

  constructor(core: Core) {
    super(core);
    const { environment, options, parts } = core;
    const storage = options.storage && options.storage !== 'local' ? options.storage : LOCAL_STORAGE;
    this.#store = new Store(environment, storage, {
      snapshot: () => ({ feeds: parts.calls?.snapshot() ?? {}, outbox: parts.sending?.outbox.snapshot() ?? [] }),
      restore: (stored) => this.#restore(stored),
      onError: (error) => void core.emit('error', error),
    });
  }

  get keeps(): boolean {
    return this.#store.keeps;
  }

  forget(): Promise<void> {
    return this.#store.forget();
  }

  open(user: string): Promise<void> {
    return this.#store.open(recordPrefix(this.core.options.url, user));
  }

  override onEvent(event: string): void {
    if (CHANGES.includes(event)) this.#store.changed();
    if (event === 'connected') this.#store.adopt();
    if (event === 'over') {
      this.#isOver = true;
      this.#store.close();
    }
  }

  #restore({ feeds = {}, outbox: messages = [] }: Partial<Snapshot>): void {
    const { calls, sending } = this.core.parts;
    calls?.restore(feeds);
    sending?.outbox.restore(messages, ({ text }) => this.#tellOf(JSON.parse(text).id));
    sending?.wake();
  }

  #tellOf(id: string) {
    const { core } = this;
    return {
      accept: (result: SendResult) => void core.emit('result', { id, result }),
      reject: (error: unknown) => {
        // What is left for a later client is not settled.
        if (!this.#isOver || !this.keeps) core.emit('result', { id, error: error as BeckonError });
      },
    };
  }
}

export function createPart(core: Core): StoragePart {
  return new KeptClient(core);
}
