import { MAX_BLOCKED_USERS, MAX_PAGE_USERS } from '../../protocol/index.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import type { Inboxes, InboxKey, Load } from '../../server/sending/inboxes.ts';
import { deleteWhere, type Erasable } from './erasure.ts';

interface Waiting extends Load {
  readonly expiresAt: number;
}

/** Inboxes in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryInboxes(now: Now, retentionSeconds: number): Inboxes & Erasable {
  const blocks = new Map<string, Set<string>>();
  const waiting = new Map<string, Waiting>();
  const blocksOf = (recipient: string) => blocks.get(recipient) ?? new Set();
  return {
    isBlocked: async ({ recipient, sender }) => blocksOf(recipient).has(sender),
    async block({ recipient, sender }) {
      const names = blocksOf(recipient);
      if (names.has(sender)) return true;
      if (names.size >= MAX_BLOCKED_USERS) return false;
      blocks.set(recipient, names.add(sender));
      return true;
    },
    async unblock({ recipient, sender }) {
      blocksOf(recipient).delete(sender);
    },
    async blocked(recipient, after = '') {
      const inOrder = [...blocksOf(recipient)].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const behind = inOrder.filter((name) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0);
      return { users: behind.slice(0, MAX_PAGE_USERS), more: behind.length > MAX_PAGE_USERS };
    },
    async take(key, load, { most, cursor }) {
      const nowSeconds = toSeconds(now());
      const place = placeOf(key, cursor);
      const there = waiting.get(place);
      const { messages, bytes } = there && there.expiresAt > nowSeconds ? there : { messages: 0, bytes: 0 };
      const after = { messages: messages + load.messages, bytes: bytes + load.bytes };
      if (after.messages > most.messages || after.bytes > most.bytes) return { messages, bytes };
      waiting.set(place, { ...after, expiresAt: nowSeconds + retentionSeconds });
      return undefined;
    },
    eraseUser(userId) {
      const { size } = blocksOf(userId);
      blocks.delete(userId);
      return size + deleteWhere(waiting, (place) => JSON.parse(place)[0] === userId);
    },
  };
}

function placeOf({ recipient, sender }: InboxKey, cursor: string): string {
  return JSON.stringify([recipient, sender, cursor]);
}
