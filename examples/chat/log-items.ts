import type { Delivery } from './delivery.ts';
import { type Entry, entryKey } from './timeline.ts';
import { describeDay, startOfDay } from './times.ts';

/** How a message is shown among the others. */
export interface Appearance {
  /** Whether its author is named: in rooms, where it is not the one of the message before. */
  readonly isNamed: boolean;
  /** Whether the message before is of the same author and moment. */
  readonly continues: boolean;
  /** Whether the next message says the same of when it was sent and how far it has come. */
  readonly isContinued: boolean;
  /** Only of one's own. */
  readonly delivery: Delivery | undefined;
}

/** What a log consists of: messages, the days on which they were sent, and where the new ones begin. */
export type LogItem =
  | { readonly kind: 'day' | 'new'; readonly key: string; readonly text: string }
  | { readonly kind: 'message'; readonly key: string; readonly entry: Entry; readonly appearance: Appearance };

export interface LogOptions {
  readonly isRoom: boolean;
  /** The first message that was new when the conversation was opened. */
  readonly firstNew: string | undefined;
  readonly nowMs: number;
  deliveryOf(entry: Entry): Delivery;
}

/** Messages of one author that were sent within this time belong together. */
const TOGETHER_MS = 2 * 60_000;

export function logItems(entries: readonly Entry[], options: LogOptions): readonly LogItem[] {
  const deliveries = entries.map((entry) => (entry.isOwn ? options.deliveryOf(entry) : undefined));
  return entries.flatMap((entry, index): LogItem[] => {
    const key = entryKey(entry);
    const day = startOfDay(entry.sentAt);
    const isNewDay = index === 0 || day !== startOfDay(entries[index - 1]?.sentAt ?? 0);
    const isFirstNew = key === options.firstNew;
    const continues = !isNewDay && !isFirstNew && isTogether(entries[index - 1], entry);
    const next = entries[index + 1];
    const saysTheSame = deliveries[index + 1]?.text === deliveries[index]?.text;
    const isContinued = saysTheSame && isTogether(entry, next) && (!next || entryKey(next) !== options.firstNew);
    const isNamed = options.isRoom && !entry.isOwn && !continues;
    return [
      ...(isNewDay ? [{ kind: 'day', key: `day ${day}`, text: describeDay(day, options.nowMs) } as const] : []),
      ...(isFirstNew ? [{ kind: 'new', key: 'new', text: 'New' } as const] : []),
      {
        kind: 'message',
        key,
        entry,
        appearance: { isNamed, continues, isContinued, delivery: deliveries[index] },
      },
    ];
  });
}

function isTogether(one: Entry | undefined, other: Entry | undefined): boolean {
  if (!one || !other || one.author !== other.author) return false;
  const isSameDay = startOfDay(one.sentAt) === startOfDay(other.sentAt);
  return isSameDay && Math.abs(other.sentAt - one.sentAt) < TOGETHER_MS;
}
