import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { createManageClient } from '../../server/aws/manage-client.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';
import { arrived, type Frame, isPush, messagesIn } from '../support/wire-frames.ts';

// What a user accepts of others: blocked senders, and the quota of each sender in an unread inbox.

let cloud: LocalCloud;

beforeAll(async () => {
  const parameters = { Issuer: '{endpointUrl}/_local' };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters });
});

afterAll(() => cloud.close());

async function device(userId: string): Promise<WireClient> {
  const capability = { 'user:*': ['send', 'history'], 'room:*': ['join', 'send'] };
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId, capability })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

const send = (client: WireClient, to: object, data: unknown, more: object = {}) =>
  client.ask({ action: 'sendMessage', to, data, ...more });
const setBlocked = (client: WireClient, user: string, blocked: boolean) =>
  client.ask({ action: 'block', user, blocked });
const isMessage = (data: unknown) => (frame: Frame) =>
  isPush(frame, 'messages') && messagesIn(frame).some((message) => message.data === data);
const stored = { type: 'ack', results: [{ status: 'stored' }] };
const sentResult = { type: 'ack', results: [{ status: 'sent' }] };
const notAccepted = {
  type: 'error',
  code: 'not_accepted',
  message: 'The recipient does not accept this message. It was neither delivered nor kept.',
  retryable: false,
  id: expect.any(String),
};

const output = (name: string) => cloud.outputs['Beckon']?.[name] ?? '';
const manage = (event: Parameters<ReturnType<typeof createManageClient>>[0]) =>
  createManageClient(output('ManageFunctionName'), adminClient(cloud))(event);

async function invoke(FunctionName: string, event: object): Promise<unknown> {
  const command = new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) });
  return JSON.parse((await new LambdaClient(adminClient(cloud)).send(command)).Payload?.transformToString() ?? 'null');
}

/** Sends stored messages in as few frames as possible. Returns the outcome of each message. */
async function leave(client: WireClient, user: string, count: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let left = count; left > 0; left -= 50) {
    const messages = Array.from({ length: Math.min(left, 50) }, () => ({ to: { user }, data: 'left' }));
    const { results } = (await client.ask({ action: 'sendMessage', messages })) as unknown as {
      results: { status?: string; error?: { code: string } }[];
    };
    outcomes.push(...results.map(({ status, error }) => status ?? error?.code ?? ''));
  }
  return outcomes;
}

async function goAway(client: WireClient, user: string, someone: WireClient): Promise<void> {
  client.socket.close();
  await expect
    .poll(() => send(someone, { user }, 'there?', { ephemeral: true }), { timeout: 10_000 })
    .toMatchObject({ results: [{ status: 'dropped' }] });
}

describe('a user who has blocked another', () => {
  test('gets no message of that user, online or offline, until they unblock the user', async () => {
    const [bob, eve, ann] = await Promise.all(['bob', 'eve', 'ann'].map(device));
    if (!bob || !eve || !ann) throw new Error();
    expect(await setBlocked(bob, 'eve', true)).toMatchObject({ type: 'blocked', users: ['eve'], more: false });
    expect(await bob.ask({ action: 'block' })).toMatchObject({ users: ['eve'], more: false });

    const connected = await send(eve, { user: 'bob' }, 'one');
    expect(connected).toEqual(notAccepted);
    expect(await send(eve, { user: 'bob' }, 'two', { ephemeral: true })).toEqual(notAccepted);
    expect(await send(eve, { users: ['bob', 'ann'] }, 'three')).toMatchObject({
      results: [
        {
          status: 'sent',
          connections: { sent: 1 },
          users: [
            { user: 'bob', status: 'not_accepted' },
            { user: 'ann', status: 'sent' },
          ],
        },
      ],
    });
    expect(await send(ann, { user: 'bob' }, 'four')).toMatchObject(sentResult);
    await goAway(bob, 'bob', ann);
    expect(await send(eve, { user: 'bob' }, 'five')).toEqual(notAccepted);

    const again = await device('bob');
    expect(await again.ask({ action: 'history', conversation: { user: 'eve' } })).toMatchObject({ messages: [] });
    expect(await setBlocked(again, 'eve', false)).toMatchObject({ users: [] });
    expect(await send(eve, { user: 'bob' }, 'six')).toMatchObject(sentResult);
    await again.frame(isMessage('six'));
    expect(JSON.stringify([bob.frames, again.frames])).not.toMatch(/"(one|two|three|five)"/);
  });

  test('still gets that user’s messages in rooms', async () => {
    const [rob, joe] = [await device('rob'), await device('joe')];
    await setBlocked(rob, 'joe', true);
    expect(await rob.ask({ action: 'join', room: 'lobby' })).toMatchObject({ type: 'joined' });
    expect(await send(joe, { room: 'lobby' }, 'to all')).toMatchObject(sentResult);
    await rob.frame(isMessage('to all'));
  });

  test('gets no receipts of that user until they unblock the user; only senders get receipts', async () => {
    const [pat, sue] = [await device('pat'), await device('sue')];
    const mark = (read: string) => sue.ask({ action: 'mark', marks: [{ conversation: { user: 'pat' }, read }] });
    const receipts = () => pat.frames.filter((frame) => isPush(frame, 'receipt'));
    const serials: string[] = [];
    for (const data of [1, 2]) {
      const { results } = (await send(pat, { user: 'sue' }, data)) as unknown as { results: [{ serial: string }] };
      serials.push(results[0].serial);
    }
    const { cursor } = sue.frames[0] as unknown as { cursor: string };
    expect(await mark(cursor)).toMatchObject({ type: 'marked' });
    await setBlocked(pat, 'sue', true);
    expect(await mark(serials[0] ?? '')).toMatchObject({ type: 'marked' });
    await setBlocked(pat, 'sue', false);
    expect(await mark(serials[1] ?? '')).toMatchObject({ type: 'marked' });
    await pat.frame((frame) => isPush(frame, 'receipt'));
    await arrived(pat);
    expect(receipts()).toEqual([{ type: 'receipt', from: { user: 'sue' }, read: serials[1] }]);
  });

  test('cannot block themselves, and gets the list of blocked users on every device', async () => {
    const tim = await device('tim');
    expect(await setBlocked(tim, 'tim', true)).toMatchObject({ code: 'invalid_frame' });
    for (const user of ['zoe', 'ann', 'ann']) await setBlocked(tim, user, true);
    const other = await device('tim');
    expect(await other.ask({ action: 'block' })).toMatchObject({ users: ['ann', 'zoe'], more: false });
    expect(await other.ask({ action: 'block', after: 'ann' })).toMatchObject({ users: ['zoe'], more: false });
    expect(await other.ask({ action: 'block', user: 'zoe' })).toMatchObject({ users: ['zoe'] });
    expect(await other.ask({ action: 'block', user: 'mia' })).toMatchObject({ users: [] });
  });

  test('gets the same result if an operator or a function of the application blocked that user', async () => {
    const mel = await device('mel');
    const notifier = (event: object) => invoke(output('ExportNotifierName'), event);
    expect(await manage({ block: { user: 'max', sender: 'mel' } })).toEqual({ disconnected: 0, deleted: 0 });
    expect(await manage({ blocked: { user: 'max' } })).toMatchObject({ blocked: ['mel'] });
    expect(await notifier({ trial: 'blocked' })).toEqual(['mel']);
    expect(await send(mel, { user: 'max' }, 1)).toEqual(notAccepted);
    await manage({ unblock: { user: 'max', sender: 'mel' } });
    expect(await send(mel, { user: 'max' }, 2)).toMatchObject(stored);
    expect(await notifier({ trial: 'block' })).toBeNull();
    expect(await send(mel, { user: 'max' }, 3)).toEqual(notAccepted);
    expect(await notifier({ trial: 'unblock' })).toBeNull();
    expect(await send(mel, { user: 'max' }, 4)).toMatchObject(stored);
    expect(await notifier({ trial: 'blockThemselves' })).toMatchObject({ code: 'invalid_frame' });
    await expect(manage({ block: { user: 'max', sender: 'max' } })).rejects.toThrow(
      'a user cannot block themselves: name another user',
    );
    await expect(manage({ block: { user: 'max' } as never })).rejects.toThrow('"block.sender" must be a user id');
  });
});

describe('an inbox that nobody reads', () => {
  test('takes a hundred messages of each sender, and more after its user returned', { timeout: 60_000 }, async () => {
    const [amy, lea] = [await device('amy'), await device('lea')];
    const kept = { to: { user: 'kim' }, data: 'kept', id: 'kept', retry: true };
    const keep = () => amy.ask({ action: 'sendMessage', messages: [kept] });
    expect(await keep()).toMatchObject(stored);
    const left = await leave(amy, 'kim', 109);
    expect(left).toEqual([...Array(99).fill('stored'), ...Array(10).fill('not_accepted')]);
    expect(await send(amy, { user: 'kim' }, 'too many')).toEqual(notAccepted);

    // The server acknowledges a retry of an accepted message, although the inbox is full.
    expect(await keep()).toMatchObject({ results: [{ status: 'stored', duplicate: true }] });
    expect(await send(lea, { user: 'kim' }, 'of somebody else')).toMatchObject(stored);
    expect(await send(amy, { users: ['kim', 'ned'] }, 'to two')).toMatchObject({
      results: [{ status: 'stored', users: [{ status: 'not_accepted' }, { status: 'stored' }] }],
    });
    expect(await send(amy, { user: 'kim' }, 'not kept', { ephemeral: true })).toMatchObject({
      results: [{ status: 'dropped' }],
    });

    const kim = await device('kim');
    expect(kim.frames[0]).toMatchObject({ more: true });
    expect(await send(amy, { user: 'kim' }, 'while she is there')).toMatchObject(sentResult);
    await goAway(kim, 'kim', lea);
    expect(await send(amy, { user: 'kim' }, 'she has acknowledged nothing')).toEqual(notAccepted);

    const again = await device('kim');
    const { cursor } = again.frames[0] as unknown as { cursor: string };
    expect(await again.ask({ action: 'ping', cursor })).toMatchObject({ type: 'pong' });
    await goAway(again, 'kim', lea);
    expect(await send(amy, { user: 'kim' }, 'she has read it')).toMatchObject(stored);
    expect(await leave(amy, 'kim', 100)).toEqual([...Array(99).fill('stored'), 'not_accepted']);
  });

  test('takes a megabyte of each sender', { timeout: 60_000 }, async () => {
    const lou = await device('lou');
    const outcomes: unknown[] = [];
    for (let sent = 0; sent < 40; sent += 1) {
      outcomes.push(
        (await send(lou, { user: 'nobody-at-home' }, 'x'.repeat(32_000), { echo: false }))['code'] ?? 'stored',
      );
    }
    const fit = outcomes.indexOf('not_accepted');
    expect(fit).toBe(Math.floor(1_048_576 / 32_200));
    expect(new Set(outcomes.slice(fit))).toEqual(new Set(['not_accepted']));
  });

  test('takes every message of services', { timeout: 60_000 }, async () => {
    const messages = Array.from({ length: 50 }, () => ({ to: { user: 'served' }, data: 'news' }));
    for (let frame = 0; frame < 3; frame += 1) {
      const { results } = (await invoke(output('SendFunctionName'), { messages })) as { results: unknown[] };
      expect(results).toEqual(Array(50).fill(expect.objectContaining({ status: 'stored' })));
    }
  });
});
