import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../local/apigateway/limits.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import * as limits from '../../protocol/limits.ts';
import { MAX_CAPABILITY_BYTES } from '../../server/auth/capability.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';
import { type Frame, type Outcome, outcomeOf } from '../support/wire-frames.ts';
import { connectClient } from '../support/ws-client.ts';

// Every size at its limit, and one over it.

const EVERYTHING = { 'user:*': ['send', 'history', 'presence'], 'room:*': ['join', 'send', 'history', 'presence'] };

let cloud: LocalCloud;
let client: WireClient;

beforeAll(async () => {
  const app = inject('searchApp');
  cloud = await startLocalCloud({ app, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  client = await device('sender');
}, 120_000);

afterAll(async () => {
  await cloud.close();
});

async function device(sub: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub, capability: EVERYTHING })}` };
  const opened = await connectWire(cloud.websocketUrl, { headers });
  expect(await opened.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return opened;
}

/** The data that fits one frame beside its header, in bytes. */
const FRAGMENT_BYTES = 30_000;

/** Sends a message, in several frames if needed. */
function sendFragments({ socket }: WireClient, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += FRAGMENT_BYTES) {
    const fin = at + FRAGMENT_BYTES >= bytes.length;
    socket.send(bytes.subarray(at, at + FRAGMENT_BYTES), { binary: false, fin });
  }
}

/** Sends a frame unchanged, even one with an invalid id, and waits for the next frame. */
async function answerTo(frame: Frame, sender = client): Promise<Frame> {
  const seen = sender.frames.length;
  sendFragments(sender, JSON.stringify(frame));
  await sender.frame(() => sender.frames.length > seen);
  return sender.frames[seen] ?? {};
}

const of = <T>(count: number, item: (index: number) => T) => Array.from({ length: count }, (_, index) => item(index));
const excerpt = (reply: Frame) => JSON.stringify(reply).slice(0, 200);
const text = (length: number) => 'x'.repeat(length);
const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
const message = (more: object) => ({ to: { user: 'nobody' }, data: 1, ephemeral: true, ...more });
const send = (more: object) => ({ action: 'sendMessage', ...message(more) });
const batch = (...messages: object[]) => ({ action: 'sendMessage', messages });
const users = (count: number) => of(count, (index) => `user ${index}`);
const conversations = (count: number) => of(count, (index) => ({ user: `user ${index}` }));
const read = (action: string, more: object) => ({ action, conversation: { user: 'nobody' }, ...more });
const ping = (shown: object) => ({ action: 'ping', cursor: ANY_SERIAL, shown });
const shownBy = (user: string, ids: readonly string[]) => [{ from: { user }, ids }];
const shownOfBytes = (bytes: number) => {
  const full = of(28, (index) => shownBy(text(256), [String(index + 10)])).flat();
  return [...full, ...shownBy(text(bytes - JSON.stringify([...full, ...shownBy('', ['1'])]).length), ['1'])];
};
const ANY_SERIAL = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

const LIMITS = { ...limits };
type Limit = keyof typeof LIMITS;

interface Size {
  readonly what: string;
  readonly limit: Limit;
  readonly frame: (size: number) => Frame;
  readonly accepted: Outcome;
  readonly refused: Outcome;
}

const size = (
  what: string,
  limit: Limit,
  frame: Size['frame'],
  accepted: Outcome = 'ack',
  refused: Outcome = 'invalid_frame',
): Size => ({ what, limit, frame, accepted, refused });

const SIZES: readonly Size[] = [
  size('bytes of data', 'MAX_DATA_BYTES', (count) => send({ data: text(count - 2) }), 'ack', 'message_too_large'),
  size(
    'bytes of data in a batch',
    'MAX_DATA_BYTES',
    (count) => batch(message({ data: text(count - 2) })),
    'ack',
    'message_too_large',
  ),
  size('levels of data', 'MAX_DATA_DEPTH', (count) => send({ data: nested(count) })),
  size('levels of data in a batch', 'MAX_DATA_DEPTH', (count) => batch(message({ data: nested(count) }))),
  size('messages of a frame', 'MAX_MESSAGES_PER_FRAME', (count) => batch(...of(count, () => message({})))),
  size('recipients of a message', 'MAX_USERS_PER_MESSAGE', (count) => send({ to: { users: users(count) } })),
  size('characters of an id', 'MAX_ID_LENGTH', (count) => ({ action: 'ping', id: text(count) }), 'pong'),
  size('characters of an id in a batch', 'MAX_ID_LENGTH', (count) => batch(message({ id: text(count) }))),
  size('characters of a user’s id', 'MAX_USER_ID_LENGTH', (count) => send({ to: { user: text(count) } })),
  size(
    'characters of a room’s name',
    'MAX_ROOM_NAME_LENGTH',
    (count) => ({ action: 'join', room: text(count) }),
    'joined',
  ),
  size('characters of an encoding', 'MAX_ENCODING_LENGTH', (count) => send({ encoding: text(count) })),
  size(
    'marks of a frame',
    'MAX_CONVERSATIONS_PER_FRAME',
    (count) => ({
      action: 'mark',
      marks: conversations(count).map((each) => ({ conversation: each, read: ANY_SERIAL })),
    }),
    'marked',
  ),
  size(
    'conversations of a frame',
    'MAX_CONVERSATIONS_PER_FRAME',
    (count) => ({ action: 'unread', conversations: conversations(count) }),
    'unread',
  ),
  size('messages of a page of a history', 'MAX_PAGE_MESSAGES', (limit) => read('history', { limit }), 'history'),
  size(
    'messages of a page of a search',
    'MAX_PAGE_MESSAGES',
    (limit) => read('search', { limit, text: 'x' }),
    'search',
  ),
  size(
    'characters to search for',
    'MAX_SEARCH_LENGTH',
    (count) => read('search', { text: text(count) }),
    'search',
    'search_invalid',
  ),
  size('messages that were shown', 'MAX_SHOWN_MESSAGES', (count) => ping(shownBy('alice', of(count, String))), 'pong'),
  size('bytes of what was shown', 'MAX_SHOWN_BYTES', (bytes) => ping(shownOfBytes(bytes)), 'pong'),
  size(
    'words to search for',
    'MAX_SEARCH_WORDS',
    (count) => read('search', { text: 'x '.repeat(count) }),
    'search',
    'search_invalid',
  ),
];

describe('the server accepts a frame at the limit, refuses one above it, and keeps the connection open', () => {
  test.each(SIZES)('$what: $limit', async ({ limit, frame, accepted, refused }) => {
    const most = Number(LIMITS[limit]);
    const at = await answerTo(frame(most));
    expect(outcomeOf(at), excerpt(at)).toBe(accepted);
    const over = await answerTo(frame(most + 1));
    expect(outcomeOf(over), excerpt(over)).toBe(refused);
    expect(JSON.stringify(over)).toContain('"retryable":false');
    expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test('the error for too much data has the size', async () => {
    expect(await answerTo(send({ data: text(limits.MAX_DATA_BYTES - 1) }))).toMatchObject({
      code: 'message_too_large',
      message: 'data takes 32769 bytes as JSON; at most 32768 are allowed',
    });
  });

  test('a newer token has a length limit', async () => {
    const token = await tokenOf(limits.MAX_TOKEN_LENGTH, 'sender');
    expect(outcomeOf(await answerTo({ action: 'register', token }))).toBe('registered');
    const longer = await tokenOf(limits.MAX_TOKEN_LENGTH + 1, 'sender');
    expect(outcomeOf(await answerTo({ action: 'register', token: longer }))).toBe('invalid_frame');
    expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });
});

describe('no reply exceeds the limit of API Gateway', () => {
  const cjk = (count: number) => of(count, (index) => String(index).padEnd(limits.MAX_USER_ID_LENGTH, '漢'));
  const toMany = (names: readonly string[]) =>
    of(limits.MAX_MESSAGES_PER_FRAME, () => message({ to: { users: names } }));

  test.each<[string, Frame, Outcome]>([
    ['the presence of 100 users', { action: 'presence', users: cjk(limits.MAX_USERS_PER_PRESENCE) }, 'presence'],
    [
      'what is unread in 50 conversations',
      { action: 'unread', conversations: cjk(limits.MAX_CONVERSATIONS_PER_FRAME).map((user) => ({ user })) },
      'unread',
    ],
    ['a message to 100 users', send({ to: { users: cjk(limits.MAX_USERS_PER_MESSAGE) } }), 'ack'],
    ['50 messages to 100 users with short ids', batch(...toMany(users(limits.MAX_USERS_PER_MESSAGE))), 'ack'],
    [
      '50 messages that are wrong in many words',
      batch(...of(limits.MAX_MESSAGES_PER_FRAME, () => message({ id: text(2_000), ['\u0001'.repeat(80)]: 1 }))),
      'invalid_frame',
    ],
  ])('%s', async (what, frame, outcome) => {
    const reply = await answerTo({ ...frame, id: text(limits.MAX_ID_LENGTH) }, await device(what));
    expect(outcomeOf(reply), excerpt(reply)).toBe(outcome);
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(limits.MAX_REPLY_BYTES);
  });

  test('a page of blocked users, with the longest ids', async () => {
    const asker = await device('blocking');
    const names = cjk(limits.MAX_PAGE_USERS + 1);
    for (const user of names) {
      expect(await asker.ask({ action: 'block', user, blocked: true })).toMatchObject({
        type: 'blocked',
        users: [user],
      });
    }
    const reply = await answerTo({ action: 'block', id: text(limits.MAX_ID_LENGTH) }, asker);
    expect(reply).toMatchObject({ users: { length: limits.MAX_PAGE_USERS }, more: true });
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(limits.MAX_REPLY_BYTES);
  });
});

describe('the number of an attempt', () => {
  test.each<[string, (attempt: number) => Frame, Outcome]>([
    ['register', (attempt) => ({ action: 'register', attempt }), 'registered'],
    ['join', (attempt) => ({ action: 'join', room: 'often', attempt }), 'joined'],
    ['leave', (attempt) => ({ action: 'leave', room: 'often', attempt }), 'left'],
  ])('to %s can be the largest safe integer, and no larger', async (_, frame, accepted) => {
    const sender = await device('persistent');
    expect(outcomeOf(await answerTo(frame(Number.MAX_SAFE_INTEGER), sender))).toBe(accepted);
    for (const larger of [Number.MAX_SAFE_INTEGER + 1, 1e308]) {
      expect(outcomeOf(await answerTo(frame(larger), sender)), String(larger)).toBe('invalid_frame');
    }
    expect(await sender.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });
});

/** Makes a valid token of exactly this length. */
async function tokenOf(length: number, sub: string): Promise<string> {
  const padded = (padding: number) => cloud.token({ sub, capability: EVERYTHING, padding: text(padding) });
  const most = Math.floor(((length - (await padded(0)).length) * 3) / 4);
  for (let padding = most - 2; padding <= most + 2; padding += 1) {
    const token = await padded(padding);
    if (token.length === length) return token;
  }
  throw new Error(`no token has ${length} characters`);
}

describe('API Gateway closes the connection at its own limits', () => {
  const sized = (bytes: number) => {
    const frame = (length: number, last: number) =>
      JSON.stringify(batch(...of(4, (index) => message({ data: text(index === 3 ? last : length) }))));
    const length = Math.floor((bytes - frame(0, 0).length) / 4);
    return frame(length, bytes - frame(length, 0).length);
  };

  test.each([
    ['bytes of a frame', limits.MAX_FRAME_BYTES, (of: WireClient, frame: string) => of.socket.send(frame)],
    ['bytes of a message, in several frames', MAX_MESSAGE_BYTES, sendFragments],
  ])('%s', async (_, limit, sendTo) => {
    const sender = await device('large');
    expect(Buffer.byteLength(sized(limit))).toBe(limit);
    sendTo(sender, sized(limit));
    const ack = await sender.frame(({ type }) => type !== 'registered');
    expect(ack).toMatchObject({ type: 'ack', results: of(4, () => ({ status: 'dropped' })) });
    sendTo(sender, sized(limit + 1));
    expect((await sender.closed).code).toBe(1009);
  });
});

describe('a handshake', () => {
  const capabilityOf = (length: number) => {
    const capability = (name: string) => ({ [`room:${name}`]: ['join'] });
    return capability(text(length - JSON.stringify(capability('')).length));
  };

  test.each<readonly [string, number, (size: number) => Promise<string>]>([
    ['characters of a token', limits.MAX_TOKEN_LENGTH, (size) => tokenOf(size, 'comer')],
    ['characters of a user’s id', limits.MAX_USER_ID_LENGTH, (size) => cloud.token({ sub: text(size) })],
    [
      'bytes of a capability',
      MAX_CAPABILITY_BYTES,
      (size) => cloud.token({ sub: 'comer', capability: capabilityOf(size) }),
    ],
  ])('with %s at the limit opens a connection; one above, it gets 401', async (_, limit, tokenWith) => {
    const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
    const opened = await connectWire(cloud.websocketUrl, bearer(await tokenWith(limit)));
    expect(await opened.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
    const refused = await connectClient(cloud.websocketUrl, bearer(await tokenWith(limit + 1))).refused;
    expect(refused).toMatchObject({ statusCode: 401 });
  });
});

describe('the lifetime of a message in seconds', () => {
  const RETENTION_SECONDS = 7 * 24 * 3600;

  test.each([
    ['1', 1, 1],
    ['the retention', RETENTION_SECONDS, RETENTION_SECONDS],
    ['one second over the retention, which is not more', RETENTION_SECONDS + 1, RETENTION_SECONDS],
    ['as many as a number can be', Number.MAX_VALUE, RETENTION_SECONDS],
  ])('%s', async (name, ttlSeconds, keptSeconds) => {
    const sent = await answerTo(send({ to: { user: `kept ${name}` }, ttlSeconds, ephemeral: false }));
    expect(outcomeOf(sent)).toBe('ack');
    const { Items = [] } = await new DynamoDBClient(adminClient(cloud)).send(
      new QueryCommand({
        TableName: cloud.outputs['Beckon']?.['MessagesTableName'],
        KeyConditionExpression: 'address = :a',
        ExpressionAttributeValues: { ':a': { S: `user#kept ${name}` } },
      }),
    );
    const [item] = Items;
    const { sentAt } = JSON.parse(item?.['body']?.S ?? '{}') as { sentAt: number };
    expect(Number(item?.['expiresAt']?.N)).toBe(Math.floor(sentAt / 1000) + keptSeconds);
  });

  test('0 is refused', async () => {
    expect(outcomeOf(await answerTo(send({ ttlSeconds: 0 })))).toBe('invalid_frame');
  });
});

/** Limits with tests elsewhere: the file and the title of each test. */
const SHOWN_BY: Partial<Record<Limit, readonly [file: string, title: string]>> = {
  MAX_ROOMS: ['test/e2e/rooms.test.ts', 'the 51st room is one too many'],
  MAX_WATCHES: ['test/e2e/presence.test.ts', 'for too much is refused, and the connection stays open'],
  MAX_USERS_PER_PRESENCE: ['test/e2e/presence.test.ts', 'for too much is refused, and the connection stays open'],
  MAX_UNREAD_COUNT: ['test/e2e/history.test.ts', 'counts the messages of others after the marker'],
  MAX_BLOCKED_USERS: ['test/contract/inboxes.ts', 'have a limit, and are listed page by page'],
  MAX_PAGE_USERS: ['test/e2e/sizes.test.ts', 'a page of blocked users, with the longest ids'],
  MAX_PUSH_BYTES: ['test/unit/server/sending/send.test.ts', 'that exceed a push are split'],
  MAX_REPLY_BYTES: ['test/e2e/options.test.ts', 'with a high rate: the SDK retries what did not fit'],
  MAX_DECODED_BYTES: ['test/unit/client/payload.test.ts', 'refuses what is too large, with its size'],
};

test('every limit has a test', () => {
  const here: readonly Limit[] = [...SIZES.map(({ limit }) => limit), 'MAX_FRAME_BYTES', 'MAX_TOKEN_LENGTH'];
  const all = Object.keys(LIMITS).filter((name): name is Limit => name.startsWith('MAX_'));
  expect([...new Set([...here, ...Object.keys(SHOWN_BY)])].toSorted()).toEqual(all.toSorted());
  for (const [file, title] of Object.values(SHOWN_BY)) {
    expect(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'), file).toContain(`('${title}`);
  }
});
