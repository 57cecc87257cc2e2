import type { Cancel, Clock } from '../../clock.ts';
import type { Json, JsonAnswer } from '../../json-protocol.ts';
import { createRandom } from '../../random.ts';
import type { Log } from '../../service.ts';
import { prefixes, within } from './space.ts';
import type { Storage } from './storage.ts';
import { expiringTables } from './table-settings.ts';
import type { Item } from './trace.ts';

/**
 * When expired items go. AWS: "within a few days of their expiration", and until then they are read like any other.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export interface ExpiryOptions {
  /** Cloud time between an item's expiry and its deletion, at least. Default: 600,000 (10 minutes). */
  readonly minDelayMs?: number;
  /** At most, apart from the sweep interval. Default: 172,800,000 (2 days). */
  readonly maxDelayMs?: number;
  /** Cloud time between two looks at the tables. Default: 300,000 (5 minutes). */
  readonly sweepIntervalMs?: number;
  /** Chooses each item's delay between the two. Default: 1. */
  readonly seed?: number;
}

/** Items that expired longer ago are left alone, as on AWS: same source. */
const MAX_AGE_MS = 5 * 365 * 24 * 3600 * 1000;

/** However fast the clock runs, looking at the tables must not keep the processor busy. */
const MIN_SWEEP_INTERVAL_WALL_MS = 1000;

interface Context {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Log;
  readonly deleteItem: (input: Json) => Promise<JsonAnswer>;
}

/** Deletes expired items, late, until the returned function is called. */
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
      // Whoever has given it a new life meanwhile keeps it.
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
