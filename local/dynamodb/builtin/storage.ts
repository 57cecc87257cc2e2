import { mkdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { AbstractLevel, AbstractSnapshot, AbstractValueIterator } from 'abstract-level';
import { ClassicLevel } from 'classic-level';
import { MemoryLevel } from 'memory-level';
import type { Clock } from '../../clock.ts';

/** The reach of {@link Storage.asOf} into the past, in cloud time. */
export const MAX_STALENESS_MS = 10_000;

/** The shortest cloud time between two snapshots. */
const SNAPSHOT_INTERVAL_MS = 5;

const VALUES_AT_A_TIME = 64;

export type Write =
  | { readonly type: 'put'; readonly key: string; readonly value: unknown }
  | { readonly type: 'del'; readonly key: string };

/** Bounds of keys, in LevelDB's own terms. */
export interface Range {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  /** -1 for all. */
  readonly limit?: number;
}

/** The state at one moment: now, or earlier. */
export interface Reader {
  get(key: string): unknown;
  keys(range: Range): AsyncIterable<string>;
  values(range: Range): Readable;
}

export interface Storage extends Reader {
  /** Applies all writes or none. After it has resolved, the writes survive the death of the process. */
  commit(writes: readonly Write[]): Promise<void>;
  /** Returns the state at `atMs` (cloud time), or up to 5 ms later, but at most the oldest snapshot. */
  asOf(atMs: number): Reader;
  close(): Promise<void>;
}

export interface StorageOptions {
  readonly clock: Clock;
  /** The folder for LevelDB's files. Default: data is in memory. */
  readonly directory?: string;
  /** Whether {@link Storage.asOf} works. Default: false, which keeps no snapshots. */
  readonly remembersPast?: boolean;
}

type Level = AbstractLevel<string | Buffer | Uint8Array, string, unknown>;

/**
 * Opens the key-value store under the tables.
 * @throws Error naming a directory that another process uses, or that LevelDB cannot read
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const level = await openLevel(options.directory);
  const past = options.remembersPast ? createPast(level, options.clock) : undefined;
  const present = readerOf(level);
  return {
    ...present,
    async commit(writes) {
      past?.remember();
      try {
        await level.batch([...writes]);
      } catch (error) {
        throw new Error(`cannot write the tables to ${options.directory ?? 'memory'}: ${error}`, { cause: error });
      }
    },
    asOf: (atMs) => past?.asOf(atMs) ?? present,
    close: () => level.close(),
  };
}

async function openLevel(directory: string | undefined): Promise<Level> {
  if (directory === undefined)
    return new MemoryLevel<string, unknown>({ valueEncoding: 'json', storeEncoding: 'utf8' });
  mkdirSync(directory, { recursive: true });
  const level = new ClassicLevel<string, unknown>(directory, { valueEncoding: 'json' });
  try {
    await level.open();
  } catch (error) {
    throw new Error(whyNotOpen(directory, error), { cause: error });
  }
  return level;
}

function whyNotOpen(directory: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  if (cause && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
    return `The data directory ${directory} is in use by another process. Stop that one, or choose another directory.`;
  }
  const reason = cause?.message ?? String(error);
  return `The data directory ${directory} cannot be read as a database (${reason}). Delete it, or choose another one.`;
}

function readerOf(level: Level, snapshot?: AbstractSnapshot): Reader {
  const at = snapshot ? { snapshot } : {};
  return {
    get: (key) => level.getSync(key, at),
    keys: (range) => level.keys({ ...range, ...at }),
    values: (range) => streamOf(level.values({ ...range, ...at })),
  };
}

/** Reads several entries at a time, because each request to LevelDB goes to another thread. */
function streamOf(iterator: AbstractValueIterator<Level, string, unknown>): Readable {
  return new Readable({
    objectMode: true,
    highWaterMark: VALUES_AT_A_TIME,
    read() {
      iterator.nextv(VALUES_AT_A_TIME).then(
        (values) => {
          for (const value of values) this.push(value);
          if (values.length === 0) this.push(null);
        },
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      iterator.close().then(() => callback(error), callback);
    },
  });
}

/** Snapshots from just before the writes of the last {@link MAX_STALENESS_MS}. */
function createPast(level: Level, clock: Clock) {
  const moments: { readonly atMs: number; readonly snapshot: AbstractSnapshot }[] = [];
  return {
    remember() {
      const nowMs = clock.now();
      while (moments[0] && moments[0].atMs < nowMs - MAX_STALENESS_MS) void moments.shift()?.snapshot.close();
      const last = moments.at(-1);
      if (last && nowMs - last.atMs < SNAPSHOT_INTERVAL_MS) return;
      moments.push({ atMs: nowMs, snapshot: level.snapshot() });
    },
    /** The first snapshot after `atMs` contains all writes before it. Without one, there was no write since. */
    asOf(atMs: number): Reader | undefined {
      const moment = moments.find((each) => each.atMs >= atMs);
      return moment && readerOf(level, moment.snapshot);
    },
  };
}
