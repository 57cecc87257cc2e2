import { expect, test } from 'vitest';
import { DEFAULT_SIZE_LIMITS, type Json, problem, type SizeLimits } from '../../../../protocol/index.ts';
import { sendBatch, sendMetrics } from '../../../../server/sending/batch.ts';
import type { Send } from '../../../../server/sending/send.ts';

const counts = { sent: 1, gone: 0, failed: 0 };
/** Everything that is asked for is sent. */
const send: Send = async (_, inputs) => ({
  ok: true,
  value: inputs.map(({ id = '' }) => ({ id, serial: '', status: 'sent', connections: counts, users: [] })),
});
const alice = { from: { user: 'alice' } };
const atGate = Promise.resolve({ ok: true, value: { capability: {} } } as const);

const nested = (depth: number): Json => (depth === 0 ? 'x' : [nested(depth - 1)]);
const users = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
const message = (more: object) => ({ to: { user: 'bob' }, data: 1, ...more });

type Row = [name: keyof SizeLimits, limit: number, make: (size: number) => object, code: string, told: string];
const PER_MESSAGE: readonly Row[] = [
  [
    'maxDataBytes',
    20,
    (bytes) => message({ data: 'x'.repeat(bytes - 2) }),
    'message_too_large',
    'data takes 21 bytes as JSON; at most 20 are allowed',
  ],
  [
    'maxDataDepth',
    3,
    (depth) => message({ data: nested(depth) }),
    'invalid_frame',
    '"data" must not be nested more than 3 deep',
  ],
  [
    'maxUsersPerMessage',
    4,
    (count) => message({ to: { users: users(count) } }),
    'invalid_frame',
    '"to.users" must name at most 4 users',
  ],
];

test.each(PER_MESSAGE)('%s of %d: the limit passes, one more is refused and stops no other', async (...row) => {
  const [name, limit, make, code, told] = row;
  const limits = { ...DEFAULT_SIZE_LIMITS, [name]: limit };
  const batch = (...messages: object[]) => sendBatch(send, alice, messages, { admit: () => atGate, limits });
  expect(await batch(make(limit))).toMatchObject({ value: [{ status: 'sent' }] });
  expect(await batch({ ...make(limit + 1), id: 'big' }, make(limit))).toMatchObject({
    ok: true,
    value: [{ id: 'big', error: { code, message: told } }, { status: 'sent' }],
  });
});

test('a batch of more messages than are allowed is refused as a whole', async () => {
  const limits = { ...DEFAULT_SIZE_LIMITS, maxMessagesPerFrame: 2 };
  const batch = (count: number) =>
    sendBatch(
      send,
      alice,
      users(count).map((id) => message({ id })),
      { admit: () => atGate, limits },
    );
  expect(await batch(2)).toMatchObject({ ok: true });
  expect(await batch(3)).toMatchObject({
    problem: { code: 'invalid_frame', message: '"messages" must hold at most 2 messages' },
  });
});

test('a sender whom the gate refuses is told so first, and the gate is never left under way', async () => {
  const refused = { ok: false, problem: problem('not_registered') } as const;
  let isOver = false;
  const atGate = new Promise<typeof refused>((resolve) => setImmediate(() => resolve(refused))).finally(() => {
    isOver = true;
  });
  const limits = { ...DEFAULT_SIZE_LIMITS, maxMessagesPerFrame: 1 };
  expect(await sendBatch(send, alice, [message({}), message({})], { admit: () => atGate, limits })).toEqual(refused);
  expect(isOver).toBe(true);
});

test('a service has the absolute limits, and may send any number of messages', async () => {
  const data = (bytes: number) => message({ data: 'x'.repeat(bytes - 2) });
  const inputs = [...Array.from({ length: 60 }, () => data(32 * 1024)), data(32 * 1024 + 1)];
  const sent = await sendBatch(send, { from: { service: 'billing' } }, inputs);
  const results = sent.ok ? sent.value : [];
  expect(results.slice(0, 60).every((result) => 'status' in result)).toBe(true);
  expect(results[60]).toMatchObject({
    error: { code: 'message_too_large', message: 'data takes 32769 bytes as JSON; at most 32768 are allowed' },
  });
});

test('the metrics of a batch count its messages and their posts', () => {
  const result = (status: 'sent' | 'queued' | 'stored' | 'dropped', connections: object) => ({
    ...{ id: '', serial: '', users: [], status },
    connections: { sent: 0, gone: 0, failed: 0, ...connections },
  });
  const results = [
    result('sent', { sent: 3, gone: 1 }),
    result('queued', {}),
    result('stored', { gone: 1, failed: 2 }),
    result('dropped', {}),
    { error: problem('invalid_frame') },
  ];
  expect(sendMetrics(results)).toEqual({
    MessagesSent: 2,
    MessagesStored: 1,
    MessagesDropped: 1,
    ConnectionsGone: 2,
    PostsFailed: 2,
    FramesRefused: 1,
  });
});
