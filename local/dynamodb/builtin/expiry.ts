import type { Cancel, Clock } from '../../clock.ts';
import type { Json, JsonAnswer } from '../../json-protocol.ts';
import { createRandom } from '../../random.ts';
import type { Log } from '../../service.ts';
import { prefixes, within } from './space.ts';
import type { Storage } from './storage.ts';
import { expiringTables } from './table-settings.ts';
import type { Item } from './trace.ts';

/**
 * The delay until the deletion of expired items. AWS: "within a few days of their expiration". Until then, reads see them.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export interface ExpiryOptions {
  /** The shortest cloud time between an item's expiry and its deletion. Default: 600,000 (10 minutes). */
  readonly minDelayMs?: number;
  /** The longest one, without the sweep interval. Default: 172,800,000 (2 days). */
  readonly maxDelayMs?: number;
  /** The cloud time between two sweeps of the tables. Default: 300,000 (5 minutes). */
  readonly sweepIntervalMs?: number;
  /** The seed that chooses each item's delay between the two. Default: 1. */
  readonly seed?: number;
}

/** Items that expired longer ago stay, as on AWS: same source. */
const MAX_AGE_MS = 5 * 365 * 24 * 3600 * 1000;

/** The shortest pause between two sweeps, in the machine's time: a fast clock must not keep the processor busy. */
const MIN_SWEEP_INTERVAL_WALL_MS = 1000;

interface Context {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Log;
  readonly deleteItem: (input: Json) => Promise<JsonAnswer>;
}

/** Deletes expired items late, until a call of the returned function. */
export function startExpiry(context: Context, options: ExpiryOptions = {}): () => Promise<void> {
  const { sweepIntervalMs = 300_000 } = options;
  const { clock, log } = context;
  const intervalMs = Math.max(sweepIntervalMs, MIN_SWEEP_INTERVAL_WALL_MS * clock.timeScale);
  let stopped = false;
  let cancel: Cancel = () => undefined;
  let sweeping = Promise.resolve();
  const next = () => {
    cancel = clock.after(intervalMs, () => {
      sweeping = sweep(context, options)
        .catch((error: unknown) => log({ level: 'error', source: 'dynamodb', message: `Expiry failed: ${error}` }))
        .finally(() => stopped || next());
    });
  };
  next();
  return async () => {
    stopped = true;
    cancel();
    await sweeping;
  };
}

async function sweep(context: Context, options: ExpiryOptions): Promise<void> {
  const nowMs = context.clock.now();
  for (const { tableName, attribute } of await expiringTables(context.storage)) {
    const table = context.storage.get(prefixes.table + tableName) as { KeySchema: { AttributeName: string }[] };
    const keyNames = table.KeySchema.map((key) => key.AttributeName);
    for await (const value of context.storage.values(within(prefixes.items(tableName)))) {
      const item = value as Item;
      const expiry = item[attribute] as { N?: string } | undefined;
      const key = Object.fromEntries(keyNames.map((name) => [name, item[name]]));
      if (expiry?.N === undefined || !isDue(Number(expiry.N) * 1000, JSON.stringify([tableName, key]), nowMs, options))
        continue;
      // A write may have renewed the item in the meantime. Then it stays.
      await context.deleteItem({
        TableName: tableName,
        Key: key,
        ConditionExpression: '#expiry = :seen',
        ExpressionAttributeNames: { '#expiry': attribute },
        ExpressionAttributeValues: { ':seen': expiry },
      });
    }
  }
}

function isDue(expiresAtMs: number, identity: string, nowMs: number, options: ExpiryOptions): boolean {
  const { minDelayMs = 600_000, maxDelayMs = 172_800_000, seed = 1 } = options;
  if (expiresAtMs < nowMs - MAX_AGE_MS || expiresAtMs + minDelayMs > nowMs) return false;
  const delayMs = minDelayMs + createRandom(seed, identity)() * (maxDelayMs - minDelayMs);
  return expiresAtMs + delayMs <= nowMs;
}
