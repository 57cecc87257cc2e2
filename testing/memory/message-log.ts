import type { Message } from '../../protocol/index.ts';
import { type Address, userAddress } from '../../server/address.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import { type EntryNotes, MAX_FIND_ENTRIES, type MessageLog } from '../../server/sending/message-log.ts';
import type { Erasable } from './erasure.ts';

/** The contents of the table. */
export interface MemoryEntry extends EntryNotes {
  readonly address: Address;
  readonly message: Message;
  readonly expiresAt: number;
}

/** A log whose contents can be seen, and lost. */
export interface MemoryMessageLog extends MessageLog, Erasable {
  readonly entries: readonly MemoryEntry[];
  /** Deletes every message, as the end of the retention does. */
  clear(): void;
}

/** A message log in memory, with pages of 100. The contract tests hold it to the rules of the DynamoDB log. */
export function createMemoryMessageLog(now: Now): MemoryMessageLog {
  const entries: MemoryEntry[] = [];
  const above = (address: Address, after: string) =>
    entries
      .filter(
        (entry) => entry.address === address && entry.message.serial > after && entry.expiresAt > toSeconds(now()),
      )
      .map(({ message }) => message)
      .sort((a, b) => (a.serial < b.serial ? -1 : 1));
  const removeWhere = (isRight: (entry: MemoryEntry) => boolean) => {
    const kept = entries.filter((entry) => !isRight(entry));
    return entries.splice(0, entries.length, ...kept).length - kept.length;
  };
  return {
    entries,
    async append(address, message, expiresAt, notes) {
      const at = entries.findIndex((entry) => entry.address === address && entry.message.serial === message.serial);
      entries.splice(at === -1 ? entries.length : at, at === -1 ? 0 : 1, { address, message, expiresAt, ...notes });
    },
    async senderOf(address, serial) {
      const entry = entries.find((it) => it.address === address && it.message.serial === serial);
      return entry && entry.expiresAt > toSeconds(now()) ? entry.message.from : undefined;
    },
    async read(address, after) {
      const messages = above(address, after);
      return { messages: messages.slice(0, 100), more: messages.length > 100 };
    },
    async find(address, from, ids, after) {
      const newest = above(address, after).slice(-MAX_FIND_ENTRIES);
      const sent = newest.filter((it) => JSON.stringify(it.from) === JSON.stringify(from));
      const wanted = sent.filter(({ id }) => ids.includes(id));
      // The first message of each id comes last, so the map keeps it.
      return new Map(wanted.toReversed().map((message) => [message.id, message]));
    },
    clear() {
      removeWhere(() => true);
    },
    eraseUser: (userId) => removeWhere(({ address }) => address === userAddress(userId)),
  };
}
