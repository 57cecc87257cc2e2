import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { isBye, sendUntilClosed } from '../support/flood.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});

afterAll(() => cloud.close());

async function open(sub: string, claims: object = {}): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub, ...claims })}` };
  return connectWire(cloud.websocketUrl, { headers });
}

async function device(sub: string, claims: object = {}): Promise<WireClient> {
  const client = await open(sub, claims);
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

const isMessage = (data: unknown) => (frame: Record<string, unknown>) =>
  JSON.stringify(frame['messages'] ?? []).includes(JSON.stringify(data));
const send = (client: WireClient, user: string, data: unknown) =>
  client.ask({ action: 'sendMessage', to: { user }, data });

/** Runs the command as an operator does. */
function beckon(...args: string[]): Promise<{ status: number; output: string }> {
  const bin = join(import.meta.dirname, '../../cli/bin.mjs');
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args, '--url', cloud.endpointUrl], (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, output: `${stdout}${stderr}` });
    });
  });
}

test('a Cognito token, with its capability as text and fractional seconds, sets the rights of its user', async () => {
  const nowSeconds = Date.now() / 1000;
  const capability = JSON.stringify({ 'room:team-*': ['join'], 'user:*': ['presence'] });
  const cora = await device('cora', {
    capability,
    iat: nowSeconds - 0.25,
    nbf: nowSeconds - 0.5,
    exp: nowSeconds + 60.5,
  });
  expect(await cora.ask({ action: 'join', room: 'team-red' })).toMatchObject({ type: 'joined' });
  expect(await cora.ask({ action: 'join', room: 'attic' })).toMatchObject({ code: 'forbidden' });
  expect(await send(cora, 'bob', 1)).toMatchObject({ code: 'forbidden' });
});

describe('a newer token', () => {
  const LOBBY = { 'room:lobby': ['join'], 'user:*': ['send'] };

  test('changes the rights of the open connection', async () => {
    const bob = await device('bob-renews', { capability: { 'room:*': ['join'] } });
    for (const room of ['lobby', 'attic']) await bob.ask({ action: 'join', room });
    expect(await send(bob, 'eve', 'not yet')).toMatchObject({ code: 'forbidden' });

    const token = await cloud.token({ sub: 'bob-renews', capability: LOBBY });
    expect(await bob.ask({ action: 'register', token, attempt: 1 })).toMatchObject({
      type: 'registered',
      rooms: ['lobby'],
    });

    expect(await send(bob, 'eve', 'now')).toMatchObject({ type: 'ack' });
    expect(await bob.ask({ action: 'join', room: 'attic', attempt: 1 })).toMatchObject({ code: 'forbidden' });
    const other = await device('alice-in-rooms', { capability: { 'room:*': ['join', 'send'] } });
    await other.ask({ action: 'sendMessage', to: { room: 'attic' }, data: 'in the attic' });
    await other.ask({ action: 'sendMessage', to: { room: 'lobby' }, data: 'in the lobby' });
    await bob.frame(isMessage('in the lobby'));
    expect(bob.frames.some(isMessage('in the attic'))).toBe(false);
  });

  test('of another user, or an invalid one, is refused, and the old token stays valid', async () => {
    const bob = await device('bob-tricks');
    for (const token of [await cloud.token({ sub: 'eve' }), 'a.b.c', 'none']) {
      expect(await bob.ask({ action: 'register', token, attempt: 1 })).toMatchObject({ code: 'invalid_token' });
    }
    expect(await bob.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });
});

test('a connection with an expired token gets token_expired, then nothing, and is closed after a grace period', async () => {
  const brief = await open('brief', { expiresInSeconds: 8 });
  await brief.ask({ action: 'register' });
  await expect.poll(() => brief.ask({ action: 'ping' }), { timeout: 20_000 }).toMatchObject({ code: 'token_expired' });
  const sender = await device('sends-to-brief');
  // The server tells the user some seconds before senders treat the connection as expired: clocks differ.
  await expect
    .poll(() => send(sender, 'brief', 'in time'), { timeout: 20_000 })
    .toMatchObject({ results: [{ status: 'stored' }] });
  await send(sender, 'brief', 'too late');
  await brief.closed;
  expect(brief.frames.find(isBye)).toMatchObject({ code: 'token_expired', reconnect: true });
  expect(brief.frames.some(isMessage('too late'))).toBe(false);
});

describe('an operator', () => {
  test('disconnects a user, and the client gets the reason', async () => {
    const [one, two, other] = await Promise.all([device('dora'), device('dora'), device('not-dora')]);
    expect(await beckon('disconnect', 'dora', '--reason', 'The office is closed.')).toEqual({
      status: 0,
      output: 'dora: 2 connections closed, 0 items deleted\n',
    });
    for (const client of [one, two]) {
      await client.closed;
      expect(client.frames.find(isBye)).toEqual({
        type: 'bye',
        code: 'disconnected',
        message: 'The office is closed.',
        reconnect: false,
      });
    }
    expect(await other.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test('revokes tokens: the connections end, and every function refuses the tokens', async () => {
    const capability = { 'user:*': ['send'] };
    const old = await cloud.token({ sub: 'rita', capability });
    const rita = await connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${old}` } });
    await rita.ask({ action: 'register' });
    const waiting = await open('rita', { capability });

    expect(await beckon('revoke', 'rita')).toMatchObject({ status: 0 });

    await rita.closed;
    expect(rita.frames.find(isBye)).toMatchObject({ code: 'revoked', reconnect: true, retryAfterMs: 6000 });
    const refused = Promise.race([waiting.ask({ action: 'register' }), waiting.frame(isBye)]);
    expect(await refused).toMatchObject({ code: 'revoked' });
    const again = connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${old}` } });
    await expect(again).rejects.toThrow('401');
    expect(await beckon('forget', 'rita')).toMatchObject({ status: 0 });
    await expect(
      connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${old}` } }),
      'forgotten, and revoked all the same',
    ).rejects.toThrow('401');
    // After six seconds, a new token is younger than the revocation by every trusted clock.
    await expect.poll(() => device('rita').catch(() => undefined), { timeout: 20_000 }).toBeDefined();
  });

  test('forgets a user: their waiting messages and the list of shown messages are deleted', async () => {
    const sender = await device('writes-to-fay');
    const shown = [{ from: { user: 'writes-to-fay' }, ids: ['1'] }];
    const before = await open('fay');
    const { cursor } = await before.ask({ action: 'register' });
    await before.ask({ action: 'ping', cursor, shown });
    expect(await (await open('fay')).ask({ action: 'register' })).toMatchObject({ shown });
    before.socket.close();
    await send(sender, 'fay', 'remember me');
    const { status, output } = await beckon('forget', 'fay');
    expect(status).toBe(0);
    expect(output).toMatch(/^fay: \d connections? closed, [1-9]\d* items deleted\n$/);
    const fay = await open('fay');
    const registered = await fay.ask({ action: 'register' });
    expect(registered).toMatchObject({ messages: [] });
    expect(registered).not.toHaveProperty('shown');
  });

  test('blocks a sender for a user, and unblocks the sender', async () => {
    const tess = await device('tess-writes');
    expect(await beckon('block', 'dora', 'tess-writes')).toEqual({
      status: 0,
      output: 'dora no longer accepts messages from tess-writes\n',
    });
    expect(await beckon('blocked', 'dora')).toEqual({ status: 0, output: 'tess-writes\n' });
    expect(await send(tess, 'dora', 'hello')).toMatchObject({ code: 'not_accepted' });
    expect(await beckon('unblock', 'dora', 'tess-writes')).toMatchObject({ status: 0 });
    expect(await beckon('blocked', 'dora')).toEqual({ status: 0, output: '' });
    expect(await send(tess, 'dora', 'hello')).toMatchObject({ type: 'ack' });
  });

  test('gets an error for a wrong command', async () => {
    expect(await beckon('disconnect')).toMatchObject({ status: 2 });
    expect((await beckon('block', 'dora')).output).toContain('expected: beckon block USER SENDER');
    expect(await beckon('block', 'dora', 'dora')).toMatchObject({ status: 1 });
    expect((await beckon('disconnect', 'dora', '--reason', 'x'.repeat(201))).output).toContain(
      '"disconnect.reason" must be a text of at most 200 characters',
    );
  });

  test.each(['disconnect', 'revoke', 'forget', 'blocked', 'token'])(
    'gets an error from %s for an id that no user can have',
    async (command) => {
      const { status, output } = await beckon(command, 'dora\u3164');
      expect(status).not.toBe(0);
      expect(output).toContain('at most 256 visible characters, and single spaces (U+0020) between them');
    },
  );
});

test('a user sends no faster over several connections than over one', async () => {
  const devices = await Promise.all(Array.from({ length: 4 }, () => device('many-tabs')));
  const messages = Array.from({ length: 50 }, (_, index) => ({
    to: { user: 'slow' },
    data: index,
    ephemeral: true,
    echo: false,
  }));
  const startedAt = Date.now();
  const answers = await Promise.all(
    devices.flatMap((client) => Array.from({ length: 8 }, () => client.ask({ action: 'sendMessage', messages }))),
  );
  const seconds = (Date.now() - startedAt) / 1000;
  const passed = answers.filter(({ type }) => type === 'ack').length * messages.length;
  // Each connection alone could have sent 400 of the 1,600 frames at once.
  expect(passed).toBeLessThanOrEqual(500 + 100 * seconds + devices.length * messages.length);
  expect(answers.find(({ code }) => code === 'rate_limited')).toMatchObject({ retryAfterMs: expect.any(Number) });
});

test('a client that sends too fast gets the time to wait; it loses nothing if it waits, and is closed if it does not', async () => {
  const fast = await device('fast');
  const messages = Array.from({ length: 50 }, (_, index) => ({
    to: { user: 'slow' },
    data: index,
    ephemeral: true,
    echo: false,
  }));
  const burst = await Promise.all(Array.from({ length: 20 }, () => fast.ask({ action: 'sendMessage', messages })));
  const refused = burst.filter(({ code }) => code === 'rate_limited');
  expect(refused.length).toBeGreaterThan(0);
  expect(burst.length - refused.length).toBeGreaterThanOrEqual(10);
  const { retryAfterMs, retryable } = refused[0] ?? {};
  expect(retryable).toBe(true);
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(retryAfterMs).toBeLessThanOrEqual(5000);

  expect(await sendUntilClosed(fast, { action: 'sendMessage', messages }, 1600)).toBeLessThan(1600);
  expect(fast.frames.find(isBye)).toMatchObject({ code: 'rate_limited', reconnect: true, retryAfterMs: 60_000 });
});
