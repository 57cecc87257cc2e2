import type { Message } from '../protocol/index.ts';
import { type Cursor, serialTimeMs } from './cursor.ts';
import type { Environment } from './environment.ts';

/** A message that was sent again can come this long after the first copy, whatever its serial says. */
const MIN_AGE_MS = 10 * 60_000;

/** The newest are remembered whatever their age: about two megabytes. */
const MIN_COUNT = 10_000;

/** Remembers which messages were handed to the application. */
export interface Dedupe {
  /** Whether the message has not been seen yet. Asking makes it seen. */
  isNew(message: Pick<Message, 'from' | 'id' | 'serial'>): boolean;
}

/**
 * A message is the same when its sender and its id are. One is forgotten when no resume can bring it again, *and* it is
 * older than ten minutes, *and* ten thousand newer ones have come. So memory is bounded by what waits to be resumed and
 * what arrives within ten minutes.
 */
export function createDedupe(environment: Pick<Environment, 'now'>, cursor: Pick<Cursor, 'horizonMs'>): Dedupe {
  const seen = new Map<string, { readonly at: number; readonly serial: string }>();
  const forgetOld = (now: number) => {
    for (const [key, { at, serial }] of seen) {
      // A clock that was set back must not keep everything until it has caught up.
      if (seen.size <= MIN_COUNT || Math.abs(now - at) < MIN_AGE_MS || serialTimeMs(serial) >= cursor.horizonMs) return;
      seen.delete(key);
    }
  };
  return {
    isNew: ({ from, id, serial }) => {
      const key = 'user' in from ? `user ${id} ${from.user}` : `service ${id} ${from.service}`;
      const known = seen.get(key);
      const now = environment.now();
      // The copy may stand in the log under a later serial, and come again from there.
      seen.delete(key);
      seen.set(key, { at: now, serial: known && known.serial > serial ? known.serial : serial });
      if (!known) forgetOld(now);
      return !known;
    },
  };
}
