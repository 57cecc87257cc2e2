import type { Client, LateResult } from '../../client/api.ts';
import { SessionClient } from '../../client/client.ts';
import type { BeckonError } from '../../client/errors.ts';
import type { ConnectOptions } from '../../client/options.ts';
import type { ClientStorage } from '../../client/storage/storage.ts';
import { Channels } from './channels.ts';
import { ClientWorld, settle, testOptions } from './client-world.ts';
import { deferred } from './deferred.ts';
import { WebLocks } from './web-locks.ts';

/** Makes an unsigned token of this user, which a client can read. */
export function tokenOf(sub: string): string {
  return `e30.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.signature`;
}

export interface BrowserOptions {
  /** Default: true. */
  readonly hasLocks?: boolean;
  /** Picks the order in which a page gets messages of several pages. Default: always one half. */
  readonly random?: () => number;
}

/** A browser whose pages share storage, Web Locks and broadcast channels. `open()` opens a page with a client in it. */
export class FakeBrowser {
  /** The storage's contents. */
  readonly stored = new Map<string, string>();
  readonly locks: WebLocks | undefined;
  readonly channels: Channels;
  /** The number of writes. */
  writes = 0;
  /** Runs before each write. It throws to refuse the write. */
  refuse: (() => void) | undefined;
  #pages = 0;

  constructor({ hasLocks = true, random = () => 0.5 }: BrowserOptions = {}) {
    this.channels = new Channels(random);
    this.locks = hasLocks ? new WebLocks() : undefined;
  }

  /** Opens a page, and creates its client. */
  open(options: Partial<ConnectOptions> = {}): Page {
    this.#pages += 1;
    return new Page(this, `page${this.#pages}`, options);
  }

  /** Returns the storage as one page sees it. It hangs when the page is gone. */
  storageOf(page: { readonly gone: boolean }): ClientStorage {
    const ifThere = async <T>(use: () => T): Promise<T> => (page.gone ? new Promise<T>(() => {}) : use());
    return {
      get: (key) => ifThere(() => this.stored.get(key)),
      set: (key, value) => {
        if (page.gone) return;
        this.refuse?.();
        this.writes += 1;
        this.stored.set(key, value);
      },
      delete: (key) => ifThere(() => this.stored.delete(key)),
      keys: () => ifThere(() => this.stored.keys()),
    };
  }
}

/** A page, its client, and the events of that client. */
export class Page {
  readonly world: ClientWorld;
  readonly client: Client<unknown, unknown>;
  /** The ids of the messages that the client handed on. */
  readonly ids: string[] = [];
  readonly lateResults: LateResult[] = [];
  readonly errors: BeckonError[] = [];
  gone = false;
  readonly #locks: ReturnType<WebLocks['page']> | undefined;
  readonly #channels: ReturnType<Channels['page']>;

  constructor(browser: FakeBrowser, name: string, options: Partial<ConnectOptions>) {
    this.#locks = browser.locks?.page();
    this.#channels = browser.channels.page();
    this.world = new ClientWorld({ locks: this.#locks, openChannel: this.#channels.open, name });
    const storage = browser.storageOf(this);
    const getToken = () => tokenOf('alice');
    this.client = new SessionClient<unknown, unknown>(
      testOptions({ getToken, storage, ...options }),
      this.world.loaders,
      this.world,
    );
    this.client.on('message', ({ id }) => this.ids.push(id));
    this.client.on('result', (result) => this.lateResults.push(result));
    this.client.on('error', (error) => this.errors.push(error));
  }

  /** Suspends the page, as an endless loop or the system does. Nothing reaches it until `goOn()` resumes it. */
  hang(): { goOn(): Promise<void> } {
    const { promise, resolve } = deferred();
    this.#channels.hangUntil(promise);
    this.#locks?.hangUntil(promise);
    return {
      goOn: async () => {
        resolve();
        // Wait until the page knows which locks it has lost meanwhile.
        await settle();
        await settle();
      },
    };
  }

  /** Crashes the page: no other page gets a notice. */
  async crash(): Promise<void> {
    this.gone = true;
    this.#channels.leave();
    this.#locks?.leave();
    await settle();
  }

  /** Leaves the page as a reload does. The client gets a last chance to write. */
  async leave(): Promise<void> {
    this.world.hide();
    await settle();
    await this.crash();
  }
}
