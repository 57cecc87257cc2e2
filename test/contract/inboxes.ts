import { beforeEach, describe, expect, test } from 'vitest';
import { MAX_BLOCKED_USERS, MAX_PAGE_USERS } from '../../protocol/index.ts';
import type { Now } from '../../server/clock.ts';
import type { Inboxes } from '../../server/sending/inboxes.ts';
import { serialFloor } from '../../server/serial.ts';

const START_MS = 1_800_000_000_000;
const RETENTION_SECONDS = 3600;
const FROM_EVE = { recipient: 'bob', sender: 'eve' };
const CURSOR = serialFloor(START_MS);
const MOST = { messages: 3, bytes: 100 };
const one = (bytes: number) => ({ messages: 1, bytes });

/** The contract of every store of inboxes. `open` creates one over an empty table, with the given clock and a retention of 3,600 s. */
export function inboxesContract(name: string, open: (now: Now) => Promise<Inboxes>): void {
  describe(`inboxes on ${name}`, () => {
    let nowMs: number;
    let inboxes: Inboxes;

    beforeEach(async () => {
      nowMs = START_MS;
      inboxes = await open(() => nowMs);
    });

    describe('blocks', () => {
      test('hold for one sender and one recipient, and end with unblock', async () => {
        expect(await inboxes.isBlocked(FROM_EVE)).toBe(false);
        expect(await inboxes.block(FROM_EVE)).toBe(true);
        expect(await inboxes.block(FROM_EVE)).toBe(true);
        expect(await inboxes.isBlocked(FROM_EVE)).toBe(true);
        for (const other of [
          { recipient: 'eve', sender: 'bob' },
          { recipient: 'bob', sender: 'ann' },
          { recipient: 'ann', sender: 'eve' },
        ]) {
          expect(await inboxes.isBlocked(other)).toBe(false);
        }
        await inboxes.unblock(FROM_EVE);
        await inboxes.unblock(FROM_EVE);
        expect(await inboxes.isBlocked(FROM_EVE)).toBe(false);
      });

      test('outlive the retention', async () => {
        await inboxes.block(FROM_EVE);
        nowMs += 100 * RETENTION_SECONDS * 1000;
        expect(await inboxes.isBlocked(FROM_EVE)).toBe(true);
      });

      test('are listed by name, for each user alone', async () => {
        expect(await inboxes.blocked('bob')).toEqual({ users: [], more: false });
        for (const sender of ['zoe', 'Ann', 'é', 'eve#1', '漢']) await inboxes.block({ recipient: 'bob', sender });
        await inboxes.block({ recipient: 'bob#', sender: 'other' });
        // Messages in the inbox do not count as blocks.
        await inboxes.take(FROM_EVE, one(1), { most: MOST, cursor: CURSOR });
        expect(await inboxes.blocked('bob')).toEqual({ users: ['Ann', 'eve#1', 'zoe', 'é', '漢'], more: false });
        expect(await inboxes.blocked('bob', 'eve#1')).toEqual({ users: ['zoe', 'é', '漢'], more: false });
        expect(await inboxes.blocked('bob', 'eve')).toMatchObject({ users: ['eve#1', 'zoe', 'é', '漢'] });
        expect(await inboxes.blocked('bob', '漢')).toEqual({ users: [], more: false });
      });

      test('have a limit, and are listed page by page', { timeout: 30_000 }, async () => {
        const names = Array.from({ length: MAX_BLOCKED_USERS }, (_, index) => `user-${String(index).padStart(4, '0')}`);
        // Add the first alone: two blocks at once may both take the last place.
        await inboxes.block({ recipient: 'bob', sender: names[0] ?? '' });
        await Promise.all(names.slice(0, -1).map((sender) => inboxes.block({ recipient: 'bob', sender })));
        expect(await inboxes.block({ recipient: 'bob', sender: names.at(-1) ?? '' })).toBe(true);
        expect(await inboxes.block({ recipient: 'bob', sender: 'one-too-many' })).toBe(false);
        expect(await inboxes.isBlocked({ recipient: 'bob', sender: 'one-too-many' })).toBe(false);
        expect(await inboxes.block({ recipient: 'bob', sender: 'user-0500' })).toBe(true);

        const first = await inboxes.blocked('bob');
        expect(first).toEqual({ users: names.slice(0, MAX_PAGE_USERS), more: true });
        expect(await inboxes.blocked('bob', names[MAX_PAGE_USERS - 1])).toMatchObject({
          users: names.slice(MAX_PAGE_USERS, 2 * MAX_PAGE_USERS),
        });
        expect(await inboxes.blocked('bob', names[MAX_BLOCKED_USERS - MAX_PAGE_USERS - 1])).toMatchObject({
          more: false,
        });
        await inboxes.unblock({ recipient: 'bob', sender: 'user-0500' });
        expect(await inboxes.block({ recipient: 'bob', sender: 'one-too-many' })).toBe(true);
      });
    });

    describe('the space for waiting messages', () => {
      test('is limited to a number of messages', async () => {
        const take = () => inboxes.take(FROM_EVE, one(1), { most: MOST, cursor: CURSOR });
        for (let taken = 0; taken < MOST.messages; taken += 1) expect(await take()).toBeUndefined();
        expect(await take()).toEqual({ messages: 3, bytes: 3 });
        expect(await take()).toEqual({ messages: 3, bytes: 3 });
      });

      test('is limited to a number of bytes; refused messages do not count', async () => {
        const take = (bytes: number) => inboxes.take(FROM_EVE, one(bytes), { most: MOST, cursor: CURSOR });
        expect(await take(60)).toBeUndefined();
        expect(await take(41)).toEqual({ messages: 1, bytes: 60 });
        expect(await take(40)).toBeUndefined();
        expect(await take(1)).toEqual({ messages: 2, bytes: 100 });
      });

      test('takes several messages at once, all or none', async () => {
        const take = (messages: number) =>
          inboxes.take(FROM_EVE, { messages, bytes: 1 }, { most: MOST, cursor: CURSOR });
        expect(await take(2)).toBeUndefined();
        expect(await take(2)).toEqual({ messages: 2, bytes: 1 });
        expect(await take(1)).toBeUndefined();
      });

      test('has a count for each sender, recipient and cursor', async () => {
        const full = { messages: 3, bytes: 3 };
        const take = (key: typeof FROM_EVE, cursor: string) => inboxes.take(key, full, { most: MOST, cursor });
        expect(await take(FROM_EVE, CURSOR)).toBeUndefined();
        expect(await take(FROM_EVE, CURSOR)).toEqual(full);
        expect(await take({ ...FROM_EVE, sender: 'ann' }, CURSOR)).toBeUndefined();
        expect(await take({ ...FROM_EVE, recipient: 'ann' }, CURSOR)).toBeUndefined();
        expect(await take(FROM_EVE, serialFloor(START_MS + 1))).toBeUndefined();
      });

      test('gives the last place to one of two that come at once', async () => {
        const take = () => inboxes.take(FROM_EVE, { messages: 2, bytes: 1 }, { most: MOST, cursor: CURSOR });
        const taken = await Promise.all([take(), take(), take()]);
        expect(taken.filter((counted) => counted === undefined)).toHaveLength(1);
      });

      test('counts for as long as the last message is kept', async () => {
        const take = (messages: number) =>
          inboxes.take(FROM_EVE, { messages, bytes: 1 }, { most: MOST, cursor: CURSOR });
        await take(2);
        nowMs += (RETENTION_SECONDS - 1) * 1000;
        await take(1);
        nowMs += (RETENTION_SECONDS - 1) * 1000;
        expect(await take(1)).toEqual({ messages: 3, bytes: 2 });
        nowMs += 1000;
        expect(await take(2)).toBeUndefined();
        expect(await take(2)).toEqual({ messages: 2, bytes: 1 });
      });
    });
  });
}
