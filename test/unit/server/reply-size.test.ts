import { describe, expect, test } from 'vitest';
import {
  DEFAULT_LIMITS,
  DEFAULT_SIZE_LIMITS,
  jsonByteLength,
  MAX_MESSAGES_PER_FRAME,
  MAX_PUSH_BYTES,
  MAX_REPLY_BYTES,
  MAX_SHOWN_BYTES,
  MAX_USER_ID_LENGTH,
  MAX_USERS_PER_MESSAGE,
  type Message,
  type MessageFailure,
  type MessageInput,
  type RegisteredReply,
  type SendResult,
} from '../../../protocol/index.ts';
import { roomAddress, userAddress } from '../../../server/address.ts';
import { forbidden } from '../../../server/auth/capability.ts';
import { createPage, fittingRooms } from '../../../server/reply-size.ts';
import { sendBatch } from '../../../server/sending/batch.ts';
import type { Send } from '../../../server/sending/send.ts';
import { serialFloor } from '../../../server/serial.ts';

const alice = { from: { user: 'alice' } };
const atGate = Promise.resolve({ ok: true, value: { capability: {} } } as const);
const LARGEST_FRAME_ID = '\u0001'.repeat(64);

const of = <T>(count: number, item: (index: number) => T) => Array.from({ length: count }, (_, index) => item(index));
const uuid = (index: number) => `0c5e7d9b-1f2a-4c3d-9e8f-${String(index).padStart(12, '0')}`;
/** Names of so many characters, each of which takes that many bytes as JSON. */
const names = (count: number, length: number, character: string) =>
  of(count, (index) => String(index).padEnd(length, character));

const namesIn = ({ to }: MessageInput) => ('users' in to ? to.users : 'user' in to ? [to.user] : []);

/** Everything is sent to as many connections as there can be. */
const delivers: Outcome = (input) => ({
  id: input.id ?? uuid(0),
  serial: '01MCC5RMZ8FDAW3FTFF9WQKFBQ',
  status: 'sent',
  connections: { sent: 1_000_000, gone: 1_000_000, failed: 1_000_000 },
  users: namesIn(input).map((user) => ({ user, status: 'sent' })),
  duplicate: true,
});
const forbids: Outcome = ({ id = uuid(0), to }) => {
  const addresses = 'room' in to ? [roomAddress(to.room)] : namesIn({ to, data: 0 }).map(userAddress);
  return { id, error: forbidden('send', addresses.at(-1) ?? 'user#') };
};
type Outcome = (input: MessageInput) => SendResult | MessageFailure;

async function ackOf(messages: readonly unknown[], outcome: Outcome) {
  const sent: MessageInput[] = [];
  const send: Send = async (_, inputs) => {
    sent.push(...inputs);
    return { ok: true, value: inputs.map(outcome) };
  };
  const result = await sendBatch(send, alice, messages, { admit: () => atGate, limits: DEFAULT_SIZE_LIMITS });
  const results = result.ok ? result.value : [];
  return { sent, results, bytes: jsonByteLength({ type: 'ack', id: LARGEST_FRAME_ID, results }) };
}

const toUsers = (users: readonly string[]) => (index: number) => ({ id: uuid(index), to: { users }, data: index });
const LONG = MAX_USER_ID_LENGTH;
const MANY = MAX_USERS_PER_MESSAGE;
const BATCHES: readonly [what: string, messages: readonly object[], fits: boolean][] = [
  ['50 messages to short names', of(MAX_MESSAGES_PER_FRAME, toUsers(names(MANY, 4, 'x'))), false],
  ['50 messages to long names', of(MAX_MESSAGES_PER_FRAME, toUsers(names(MANY, LONG, 'x'))), false],
  ['50 messages to CJK names', of(MAX_MESSAGES_PER_FRAME, toUsers(names(MANY, LONG, '漢'))), false],
  ['50 messages to names of quotes', of(MAX_MESSAGES_PER_FRAME, toUsers(names(MANY, LONG, '"'))), false],
  [
    'messages without ids',
    of(MAX_MESSAGES_PER_FRAME, () => ({ to: { users: names(MANY, LONG, '漢') }, data: 1 })),
    false,
  ],
  ['one message to CJK names', [toUsers(names(MANY, LONG, '漢'))(0)], true],
  ['50 messages to one CJK name each', of(MAX_MESSAGES_PER_FRAME, (at) => toUsers(names(1, LONG, '漢'))(at)), true],
  ['50 messages to CJK rooms', of(50, (at) => ({ id: uuid(at), to: { room: '漢'.repeat(LONG) }, data: 1 })), true],
  ['50 messages to 30 short names', of(MAX_MESSAGES_PER_FRAME, toUsers(names(30, 8, 'x'))), true],
];

describe.each([
  ['sent', delivers],
  ['forbidden', forbids],
])('an ack of messages that are %s', (_, outcome) => {
  test.each(BATCHES)('%s', async (_what, messages, fits) => {
    const { sent, results, bytes } = await ackOf(messages, outcome);
    expect(bytes).toBeLessThanOrEqual(MAX_REPLY_BYTES);
    expect(results).toHaveLength(messages.length);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length === messages.length).toBe(fits);
    // Those that do not fit are the last ones, so that none is overtaken.
    expect(sent).toEqual(messages.slice(0, sent.length));
    for (const [index, result] of results.entries()) {
      if (index < sent.length) expect(result).not.toMatchObject({ error: { code: 'reply_too_large' } });
      else {
        const { id } = messages[index] as { readonly id?: string };
        const error = { code: 'reply_too_large', message: expect.any(String), retryable: true, retryAfterMs: 0 };
        expect(result).toEqual({ ...(id !== undefined && { id }), error });
      }
    }
  });
});

test('sent again and again, all messages of a frame that is too large for its ack get through, in their order', async () => {
  const messages = of(MAX_MESSAGES_PER_FRAME, toUsers(names(MANY, LONG, '漢')));
  const passed: unknown[] = [];
  let frames = 0;
  for (let left = messages; left.length > 0; frames += 1) {
    const { sent } = await ackOf(left, delivers);
    passed.push(...sent);
    left = left.slice(sent.length);
  }
  expect(passed).toEqual(messages);
  expect(frames).toBe(MAX_MESSAGES_PER_FRAME);
});

test('problems of messages count too, and quote little', async () => {
  const wrong = of(MAX_MESSAGES_PER_FRAME - 1, () => ({
    ['\u0001'.repeat(1_000)]: 1,
    id: 'x'.repeat(2_000),
    to: { user: 'b' },
    data: 1,
  }));
  const { results, bytes } = await ackOf([...wrong, toUsers(names(MANY, LONG, '漢'))(0)], delivers);
  expect(bytes).toBeLessThanOrEqual(MAX_REPLY_BYTES);
  expect(results[0]).toEqual({ error: expect.objectContaining({ code: 'invalid_frame' }) });
});

test('a service gets a result for everything it sends', async () => {
  const messages = of(200, toUsers(names(MANY, 4, 'x')));
  const send: Send = async (_, inputs) => ({ ok: true, value: inputs.map(delivers) });
  const sent = await sendBatch(send, { from: { service: 'billing' } }, messages);
  expect(sent.ok && sent.value.every((result) => 'status' in result)).toBe(true);
});

describe('the rooms that a reply to register names', () => {
  const reply: Omit<RegisteredReply, 'id'> = {
    type: 'registered',
    userId: '漢'.repeat(LONG),
    connectionId: 'L0SM9cOFvHcCIhw=',
    serverTime: 1,
    recovered: true,
    messages: [],
    more: true,
    cursor: '01MCC5RM000000000000000000',
    expiresAt: 1,
    limits: {} as RegisteredReply['limits'],
  };
  const filled = (bytes: number) => ({ ...reply, cursor: 'x'.repeat(bytes) });

  test.each([0, 90_000, 91_000, 100_000, 120_000, 126_000])('fit beside %i bytes', (bytes) => {
    const rooms = names(50, LONG, '漢');
    const fitting = fittingRooms(filled(bytes), rooms);
    const whole = jsonByteLength({ ...filled(bytes), rooms: fitting, id: LARGEST_FRAME_ID });
    expect(whole).toBeLessThanOrEqual(MAX_REPLY_BYTES);
    expect(rooms).toEqual(expect.arrayContaining([...fitting]));
    // As many as there is room for.
    expect(fitting.length === rooms.length || whole + 3 * LONG > MAX_REPLY_BYTES - 20).toBe(true);
  });
});

const NOW = 1_800_000_000_000;

test('a full page fits into a frame together with all that a reply may say beside it', () => {
  const page = createPage(1_000_000);
  const message: Message = {
    id: 'm',
    serial: serialFloor(NOW),
    from: { user: 'a' },
    to: { user: 'b' },
    data: 'x'.repeat(100),
    sentAt: NOW,
  };
  while (page.add(message));
  const shown = [{ from: { user: '' }, ids: ['1'] }];
  const filler = 'x'.repeat(MAX_SHOWN_BYTES - jsonByteLength(shown));
  const reply: RegisteredReply = {
    type: 'registered',
    id: 'i'.repeat(64),
    userId: '漢'.repeat(256),
    connectionId: 'c'.repeat(128),
    serverTime: NOW,
    recovered: false,
    shown: [{ from: { user: filler }, ids: ['1'] }],
    messages: page.messages,
    more: true,
    cursor: serialFloor(NOW),
    expiresAt: NOW,
    limits: DEFAULT_LIMITS,
  };
  expect(jsonByteLength(reply.shown)).toBe(MAX_SHOWN_BYTES);
  expect(jsonByteLength(reply)).toBeLessThanOrEqual(MAX_PUSH_BYTES);
  expect(jsonByteLength(reply)).toBeGreaterThan(MAX_PUSH_BYTES - 4 * 1024);
});
