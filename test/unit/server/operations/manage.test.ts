import { beforeEach, expect, test } from 'vitest';
import { userAddress } from '../../../../server/address.ts';
import type { InvocationError } from '../../../../server/edge/invocation.ts';
import type { LogLine } from '../../../../server/logger.ts';
import { createManage } from '../../../../server/operations/manage.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryInboxes } from '../../../../testing/memory/inboxes.ts';

const NOW = 1_800_000_000_000;
const now = () => NOW;

let lines: LogLine[];
let closed: string[];
let revoked: unknown[];
let erase: (userId: string, limit: number) => Promise<number>;
let manage: ReturnType<typeof createManage>;

beforeEach(async () => {
  lines = [];
  closed = [];
  revoked = [];
  erase = async () => 3;
  const directory = createMemoryDirectory(now);
  for (const [connectionId, userId] of [
    ['b1', 'bob'],
    ['b2', 'bob'],
    ['e1', 'eve'],
  ] as const) {
    await directory.put({
      address: userAddress(userId),
      connectionId,
      userId,
      callbackUrl: 'https://api',
      attempt: 0,
      registeredAt: NOW / 1000,
      expiresAt: NOW / 1000 + 60,
      tokenExpiresAt: NOW / 1000 + 60,
      capability: {},
    });
  }
  manage = createManage({
    directory,
    disconnect: async ({ connectionId }, { code }) => void closed.push(`${connectionId} ${code}`),
    revocations: { revoke: async (...call) => void revoked.push(call) },
    erasure: { eraseUser: (userId, limit) => erase(userId, limit) },
    inboxes: createMemoryInboxes(now, 3600),
    log: (line) => lines.push(line),
    now,
  });
});

const invoke = (event: unknown) => manage(event, { awsRequestId: 'r1' });

async function refusalOf(event: unknown) {
  const error = await invoke(event).then(
    () => expect.unreachable('the invocation did not fail'),
    (thrown: InvocationError) => thrown,
  );
  return { errorType: error.name, error: JSON.parse(error.message) };
}

test('disconnects all connections of a user, or one of them', async () => {
  expect(await invoke({ disconnect: { user: 'bob', connectionId: 'b2' } })).toMatchObject({ disconnected: 1 });
  expect(closed).toEqual(['b2 disconnected']);
  expect(await invoke({ disconnect: { user: 'bob' } })).toEqual({ disconnected: 2, deleted: 0, done: true });
  expect(closed).toEqual(['b2 disconnected', 'b1 disconnected', 'b2 disconnected']);
});

test('revokes the tokens before it looks for connections', async () => {
  expect(await invoke({ revoke: { user: 'eve' } })).toMatchObject({ disconnected: 1, done: true });
  expect(revoked).toEqual([['eve', NOW / 1000]]);
  expect(closed).toEqual(['e1 revoked']);
});

test('is not done with a user as long as there are items left', async () => {
  expect(await invoke({ forget: { user: 'bob' } })).toEqual({ disconnected: 2, deleted: 3, done: true });
  erase = async (_, limit) => limit;
  expect(await invoke({ forget: { user: 'bob' } })).toMatchObject({ done: false });
});

test('writes one line that names the command', async () => {
  await invoke({ blocked: { user: 'bob' } });
  expect(lines).toEqual([{ route: 'manage', outcome: 'ok', reason: 'blocked', requestId: 'r1', durationMs: 0 }]);
});

test.each([
  [null, 'the event must be { X: { user } }, and X one of disconnect, revoke, forget, block, unblock, blocked'],
  [{ constructor: { user: 'bob' } }, 'the event must be { X: { user } }'],
  [{ revoke: { user: 'bob' }, forget: { user: 'bob' } }, 'the event must be { X: { user } }'],
  [{ revoke: 'bob' }, '"revoke" must be { user }'],
  [{ revoke: { user: '' } }, '"revoke.user" must be a user id: at most 256'],
  [{ revoke: { user: 'bob', sender: 'eve' } }, 'unknown field "revoke.sender"'],
  [{ block: { user: 'bob' } }, '"block.sender" must be a user id'],
  [{ disconnect: { user: 'bob', connectionId: '' } }, '"disconnect.connectionId" must be the id of a connection'],
  [{ disconnect: { user: 'bob', reason: 'x'.repeat(201) } }, '"disconnect.reason" must be a text of at most 200'],
  [{ disconnect: { user: 'bob', reconnect: 'yes' } }, '"disconnect.reconnect" must be true or false'],
])('an invocation with %j fails as one of send does: with a code and a sentence', async (event, sentence) => {
  const { errorType, error } = await refusalOf(event);
  expect(errorType).toBe('invalid_frame');
  expect(error).toEqual({ code: 'invalid_frame', message: expect.stringContaining(sentence), retryable: false });
  expect(lines).toMatchObject([{ route: 'manage', outcome: 'failed', reason: 'invalid_frame' }]);
});

test('a user cannot block themselves', async () => {
  expect(await refusalOf({ block: { user: 'bob', sender: 'bob' } })).toMatchObject({ errorType: 'invalid_frame' });
});

test('a failure behind the function is retryable, and only the log tells what it was', async () => {
  erase = () => Promise.reject(new Error('the table is gone'));
  expect(await refusalOf({ forget: { user: 'bob' } })).toMatchObject({
    errorType: 'internal',
    error: { code: 'internal', retryable: true },
  });
  expect(lines).toMatchObject([{ outcome: 'failed', error: { message: 'the table is gone' }, metrics: { Errors: 1 } }]);
});
