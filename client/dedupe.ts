import type { Message } from '../protocol/index.ts';
import { type Cursor, serialTimeMs } from './cursor.ts';
import type { Environment } from './environment.ts';
import type { SeenMessage } from './storage.ts';

/** A message that was sent again can come this long after the first copy, whatever its serial says. */
const MIN_AGE_MS = 10 * 60_000;

/** The newest are remembered whatever their age: about two megabytes. */
const MIN_COUNT = 10_000;

/** Remembers which messages were handed to the application. */
export interface Dedupe {
  /** Whether the message has not been seen yet. Asking makes it seen. */
  isNew(message: Pick<Message, 'from' | 'id' | 'serial'>): boolean;
  /** What another memory must know to tell what is new: at most the newest ten thousand. */
  snapshot(): readonly SeenMessage[];
  restore(seen: readonly SeenMessage[]): void;
}

/**
 * A message is the same when its sender and its id are. One is forgotten when no resume can bring it again, *and* it is
 * older than ten minutes, *and* ten thousand newer ones have come. So memory is bounded by what waits to be resumed and
 * what arrives within ten minutes.
 */
export function createDedupe(environment: Pick<Environment, 'now'>, cursor: Pick<Cursor, 'horizonMs'>): Dedupe {
  const seen = new Map<string, { readonly at: number; readonly sentMs: number }>();
  // A clock that was set back must not keep everything until it has caught up.
  const isOld = (at: number, sentMs: number) =>
    Math.abs(environment.now() - at) >= MIN_AGE_MS && sentMs < cursor.horizonMs;
  const forgetOld = () => {
    for (const [key, { at, sentMs }] of seen) {
      if (seen.size <= MIN_COUNT || !isOld(at, sentMs)) return;
      seen.delete(key);
    }
  };
  const remember = (key: string, at: number, sentMs: number) => {
    const known = seen.get(key);
    // The copy may stand in the log under a later serial, and come again from there.
    seen.delete(key);
    seen.set(key, { at, sentMs: Math.max(sentMs, known?.sentMs ?? 0) });
    return !known;
  };
  return {
    isNew: ({ from, id, serial }) => {
      const key = 'user' in from ? `user ${id} ${from.user}` : `service ${id} ${from.service}`;
      const isNew = remember(key, environment.now(), serialTimeMs(serial));
      if (isNew) forgetOld();
      return isNew;
    },
    snapshot: () =>
      [...seen]
        .slice(-MIN_COUNT)
        .map(([key, { at, sentMs }]) => [key, at, sentMs] as const)
        .filter(([, at, sentMs]) => !isOld(at, sentMs)),
    restore: (messages) => {
      for (const message of messages) remember(...message);
    },
  };
}
