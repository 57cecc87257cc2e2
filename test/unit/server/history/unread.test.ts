import { expect, test } from 'vitest';
import type { Peer } from '../../../../protocol/index.ts';
import { type Pair, pairOf, peerAddress, roomAddress, transcriptOf, userAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { createPermit } from '../../../../server/gate/gate.ts';
import type { Transcripts } from '../../../../server/history/transcripts.ts';
import { createUnread } from '../../../../server/history/unread.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { createMemoryMarkers } from '../../../../testing/memory/markers.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';
import { createMemoryTranscripts } from '../../../../testing/memory/transcripts.ts';

const NOW = 1_800_000_000_000;
const RETENTION_SECONDS = 600;
const at = (secondsAgo: number) => serialFloor(NOW - secondsAgo * 1000);

const log = createMemoryMessageLog(() => NOW);
const markers = createMemoryMarkers();

function unread(
  conversations: Peer[],
  options: { capability?: Capability; transcripts?: Pick<Transcripts, 'count' | 'find'> } = {},
) {
  const { capability = { 'user:*': ['history'], 'room:lobby': ['history'] } } = options;
  const { transcripts = createMemoryTranscripts(log, () => NOW) } = options;
  const claims = { tokenExpiresAt: NOW, capability };
  const permit = createPermit(async () => ({ ok: true, value: claims }));
  const ask = createUnread({ permit, transcripts, markers, retentionSeconds: RETENTION_SECONDS, now: () => NOW });
  return ask({ connectionId: 'a1', userId: 'alice', ...claims }, { conversations });
}

async function say(from: string, to: string, secondsAgo: number) {
  const message = { id: 'm', serial: at(secondsAgo), from: { user: from }, to: { user: to }, data: 0, sentAt: 0 };
  await log.append(userAddress(to), message, NOW, { pair: pairOf(from, to) });
}

test('counts the messages of others behind the read marker, or within the retention', async () => {
  await say('bob', 'alice', 700);
  for (const secondsAgo of [500, 300, 200]) await say('bob', 'alice', secondsAgo);
  await say('alice', 'bob', 100);
  await say('eve', 'alice', 100);
  await markers.move({ userId: 'alice', peer: userAddress('eve') }, 'read', at(50));
  const all = [{ user: 'bob' }, { user: 'eve' }, { room: 'lobby' }];
  expect(await unread(all)).toEqual({
    ok: true,
    value: {
      type: 'unread',
      conversations: [
        { conversation: { user: 'bob' }, count: 3, more: false },
        { conversation: { user: 'eve' }, count: 0, more: false, read: at(50) },
        { conversation: { room: 'lobby' }, count: 0, more: false },
      ],
    },
  });
  await markers.move({ userId: 'alice', peer: userAddress('bob') }, 'read', at(300));
  expect(await unread([{ user: 'bob' }])).toMatchObject({
    value: { conversations: [{ count: 1, more: false, read: at(300) }] },
  });
});

test('counts to a hundred, and says when there are more', async () => {
  const tell = async (count: number) => {
    for (let number = 0; number < count; number += 1) {
      const message = { id: 'm', serial: serialFloor(NOW - number), from: { user: 'eve' }, to: { room: 'lobby' } };
      await log.append(roomAddress('lobby'), { ...message, data: 0, sentAt: 0 }, NOW);
    }
    return unread([{ room: 'lobby' }]);
  };
  expect(await tell(100)).toMatchObject({ value: { conversations: [{ count: 100, more: false }] } });
  expect(await tell(101)).toMatchObject({ value: { conversations: [{ count: 100, more: true }] } });
});

test('counts fifty conversations concurrently, but not all at once', async () => {
  let underWay = 0;
  let most = 0;
  const count = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    return { count: 0, retried: [], more: false };
  };
  const many = Array.from({ length: 50 }, (_, number) => ({ user: `u${number}` }));
  await unread(many, { transcripts: { count, find: async () => [] } });
  expect(most).toBe(10);
});

test('is refused as a whole where one conversation may not be read', async () => {
  expect(await unread([{ user: 'bob' }, { room: 'board' }])).toMatchObject({ problem: { code: 'forbidden' } });
});

test('counts the messages of a service, apart from those of a user with the same name', async () => {
  const pair = transcriptOf('alice', { service: 'bob' }) as Pair;
  for (const secondsAgo of [50, 40]) {
    const message = { id: `s${secondsAgo}`, serial: at(secondsAgo), from: { service: 'bob' }, to: { user: 'alice' } };
    await log.append(userAddress('alice'), { ...message, data: 0, sentAt: 0 }, NOW, { pair });
  }
  const capability = { 'service:*': ['history'] } as const;
  const count = () => unread([{ service: 'bob' }], { capability });
  expect(await count()).toMatchObject({ value: { conversations: [{ count: 2 }] } });
  await markers.move({ userId: 'alice', peer: peerAddress({ service: 'bob' }) }, 'read', at(50));
  expect(await count()).toMatchObject({ value: { conversations: [{ count: 1, read: at(50) }] } });
});
