import type { Delivery } from './delivery.ts';
import { type Entry, entryKey } from './timeline.ts';
import { describeDay, startOfDay } from './times.ts';

/** How the log shows a message among the others. */
export interface Appearance {
  /** Whether the log names the author: in rooms, when the previous message has another author. */
  readonly isNamed: boolean;
  /** Whether the previous message has the same author and about the same time. */
  readonly continues: boolean;
  /** Whether the next message shows about the same time and the same delivery state. */
  readonly isContinued: boolean;
  /** Only for the user's own messages. */
  readonly delivery: Delivery | undefined;
}

/** An item of the log: a message, a day, or the start of the new messages. */
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

/** Messages of one author within this time belong together. */
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
