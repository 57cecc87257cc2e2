import { randomId } from '../base/random-id.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import type { Cancel, Environment, Locks } from '../environment.ts';
import { BeckonError, describeCode } from '../errors.ts';
import { acquire } from './locks.ts';
import { readRecord } from './records.ts';
import { sharingOf } from './sharing.ts';
import type { ClientStorage, Snapshot } from './storage.ts';

/** How long a change waits for others to be written with it. */
const WRITE_DELAY_MS = 250;

/** How long to wait for what is stored, before the client goes on without it. */
const OPEN_TIMEOUT_MS = 5_000;

export interface StoreOwner {
  snapshot(): Snapshot;
  /** Goes on from there, besides what it knows already. */
  restore(snapshot: Partial<Snapshot>): void;
  /** Called once: from now on nothing may survive a reload. */
  onError(error: BeckonError): void;
}

/**
 * Keeps what a client knows in a record of its own, so that clients that run at the same time do not overwrite one
 * another. While a client runs, it holds a lock of the record's name: a record that nobody holds was left behind, and what
 * is in it is taken over. Without Web Locks, every other record counts as left behind: two clients at a time may then both
 * send a message, under the same id.
 */
export class Store {
  readonly #environment: Environment;
  readonly #storage: ClientStorage;
  readonly #owner: StoreOwner;
  readonly #locks: Locks | undefined;
  readonly #delay: Timer;
  readonly #stopWatching: Cancel;
  #opening: Promise<void> | undefined;
  #prefix = '';
  /** Of the own record. `undefined`: not known yet. */
  #key: string | undefined;
  #release: Cancel = () => {};
  #isChanged = false;
  #isClosed = false;
  #isBroken = false;
  #hasTold = false;
  #forgetting: Promise<void> | undefined;
  #written: Promise<unknown> = Promise.resolve();

  constructor(environment: Environment, storage: ClientStorage, owner: StoreOwner) {
    this.#environment = environment;
    this.#storage = storage;
    this.#owner = owner;
    this.#locks = sharingOf(environment).locks;
    this.#delay = createTimer(environment);
    this.#stopWatching = environment.onHide(() => void this.#flush());
  }

  /** Whether a later client is going to find what there is now. */
  get keeps(): boolean {
    return this.#key !== undefined && !this.#isBroken && !this.#forgetting;
  }

  /**
   * Restores what is stored under this prefix. Resolves when that is done, and also when it fails or takes too long;
   * called again, it does nothing.
   */
  open(prefix: string): Promise<void> {
    this.#opening ??= new Promise((resolve) => {
      const end = (cause?: unknown) => {
        cancelTimer();
        if (cause !== undefined) this.#fail(cause);
        if (this.#isClosed) this.#release();
        resolve();
      };
      const cancelTimer = this.#environment.setTimer(OPEN_TIMEOUT_MS, () => end(`no answer in ${OPEN_TIMEOUT_MS} ms`));
      this.#open(prefix).then(() => end(), end);
    });
    return this.#opening;
  }

  /** Takes over the messages of those that have gone since. Without locks nobody knows who has. */
  adopt(): void {
    if (this.#locks && this.#key !== undefined) void this.#takeOver(false).catch((cause) => this.#fail(cause));
  }

  /** There is something new to write. */
  changed(): void {
    if (this.#isChanged || this.#isClosed) return;
    this.#isChanged = true;
    this.#delay.start(WRITE_DELAY_MS, () => void this.#written.then(() => this.#flush()));
  }

  /** Writes what there is now, and leaves it to whoever comes next. */
  close(): void {
    void this.#flush().then(() => this.#release());
    this.#isClosed = true;
    this.#stopWatching();
  }

  /**
   * Deletes every record of the user, those of other clients as well, and writes nothing any more.
   * @throws BeckonError `storage_failed`.
   */
  forget(): Promise<void> {
    this.#forgetting ??= this.#forget();
    return this.#forgetting;
  }

  async #forget(): Promise<void> {
    // Nothing is stored before the user is known.
    if (!this.#opening) return;
    await this.#opening;
    await this.#written;
    try {
      for (const name of [...(await this.#storage.keys())]) {
        if (name.startsWith(this.#prefix)) await this.#storage.delete(name);
      }
    } catch (cause) {
      throw storageFailed(cause);
    }
  }

  async #open(prefix: string): Promise<void> {
    this.#prefix = prefix;
    const key = prefix + randomId(this.#environment);
    this.#release = (await acquire(this.#locks, key)) ?? this.#release;
    this.#key = key;
    await this.#takeOver(true);
  }

  async #takeOver(isNew: boolean): Promise<void> {
    const live: Snapshot[] = [];
    let count = 0;
    for (const name of [...(await this.#storage.keys())]) {
      if (!name.startsWith(this.#prefix)) continue;
      const release = await acquire(this.#locks, name, { ifAvailable: true });
      try {
        const record = await this.#read(name);
        if (!record || this.#isClosed) continue;
        if (!release) live.push(record);
        else if (isNew || record.outbox.length > 0) {
          count += 1;
          await this.#restore(name, isNew ? record : { outbox: record.outbox });
        }
      } finally {
        release?.();
      }
    }
    // A new tab beside others goes on from where they are.
    if (isNew && count === 0) for (const record of live) this.#owner.restore({ ...record, outbox: [] });
  }

  async #restore(name: string, record: Partial<Snapshot>): Promise<void> {
    this.#owner.restore(record);
    await this.#flush();
    if (this.keeps) await this.#storage.delete(name);
  }

  async #read(name: string): Promise<Snapshot | undefined> {
    const text = await this.#storage.get(name);
    if (typeof text !== 'string') return undefined;
    const record = readRecord(text);
    if (!record) {
      this.#fail('a record cannot be read');
      await this.#storage.delete(name);
    }
    return record;
  }

  /** Resolves when everything until now is written, or cannot be. */
  #flush(): Promise<unknown> {
    const key = this.#key;
    if (key !== undefined && this.#isChanged && !this.#isClosed && !this.#forgetting) {
      this.#delay.stop();
      this.#isChanged = false;
      const text = JSON.stringify(this.#owner.snapshot());
      this.#written = this.#written
        .then(() => this.#storage.set(key, text))
        .then(
          () => {
            this.#isBroken = false;
          },
          (cause) => this.#fail(cause),
        );
    }
    return this.#written;
  }

  #fail(cause: unknown): void {
    this.#isBroken = true;
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.#owner.onError(storageFailed(cause));
  }
}

function storageFailed(cause: unknown): BeckonError {
  return new BeckonError('storage_failed', `${describeCode('storage_failed')} The reason: ${cause}`, { cause });
}
