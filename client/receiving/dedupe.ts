import type { Message, Shown } from '../../protocol/index.ts';
import type { ServerClock } from '../base/server-clock.ts';
import type { SeenMessage } from '../storage/storage.ts';
import { type Cursor, serialTimeMs } from './cursor.ts';

/** A second copy of a message can arrive this much later than the first, whatever its serial says. */
const MIN_AGE_MS = 10 * 60_000;

/** Remembers which messages were handed to the application. */
export interface Dedupe {
  /** Whether the message has not been seen yet. Asking makes it seen. */
  isNew(message: Pick<Message, 'from' | 'id' | 'serial'>): boolean;
  /** A message that is about to be sent from here counts as seen: a resume may bring it. */
  addOwn(message: Pick<Message, 'from' | 'id'>): void;
  /** Messages that another device has shown count as seen. They were sent at this moment (epoch milliseconds) at the latest. */
  addShown(shown: readonly Shown[], sentMs: number): void;
  /** The messages that are remembered, by their keys, the newest last: when each came and was sent, by the server's clock. */
  readonly seen: ReadonlyMap<string, SeenAt>;
  /** How many of them are remembered whatever their age. */
  readonly minCount: number;
  /** Whether a message that came and was sent then may be forgotten. */
  isOld(at: number, sentMs: number): boolean;
  /**
   * Has a message count as seen.
   * @returns Whether it was not seen yet.
   */
  remember(...message: SeenMessage): boolean;
}

interface SeenAt {
  readonly at: number;
  readonly sentMs: number;
}

/**
 * A message is the same when its sender and its id are. One is forgotten when no resume can bring it again, *and* it is
 * older than ten minutes, *and* as many newer ones have come as are remembered whatever their age. So memory is bounded by
 * what waits to be resumed and what arrives within ten minutes.
 * @param minCount How many of the newest are remembered whatever their age. Ten thousand take about two megabytes.
 */
export function createDedupe(
  clock: Pick<ServerClock, 'now' | 'aheadMs'>,
  cursor: Pick<Cursor, 'horizonMs'>,
  minCount: number,
): Dedupe {
  const seen = new Map<string, SeenAt>();
  // Before the server has told the time, the age of what another page has seen is unknown. A clock that was set back must not
  // keep everything until it has caught up.
  const isOld = (at: number, sentMs: number) =>
    clock.aheadMs !== undefined && Math.abs(clock.now() - at) >= MIN_AGE_MS && sentMs < cursor.horizonMs;
  const forgetOld = () => {
    for (const [key, { at, sentMs }] of seen) {
      if (seen.size <= minCount || !isOld(at, sentMs)) return;
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
  const take = ({ from, id }: Pick<Message, 'from' | 'id'>, sentMs: number) => {
    const isNew = remember(keyOf(from, id), clock.now(), sentMs);
    if (isNew) forgetOld();
    return isNew;
  };
  return {
    isNew: (message) => take(message, serialTimeMs(message.serial)),
    // Its serial is not known yet, and it may be sent again for some time.
    addOwn: (message) => void take(message, clock.now() + MIN_AGE_MS),
    addShown: (shown, sentMs) => {
      for (const { from, ids } of shown) for (const id of ids) take({ from, id }, sentMs);
    },
    seen,
    minCount,
    isOld,
    remember,
  };
}

/** An id has no blanks. */
function keyOf(from: Message['from'], id: string): string {
  return 'user' in from ? `user ${id} ${from.user}` : `service ${id} ${from.service}`;
}
