import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

let cloud: LocalCloud;

async function start(faults?: object): Promise<void> {
  cloud = await startLocalCloud({
    app: inject('app'),
    port: 0,
    parameters: { Issuer: '{endpointUrl}/_local' },
    ...(faults && { faults }),
  });
}

afterEach(() => cloud.close());

async function open(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId })}` };
  return connectWire(cloud.websocketUrl, { headers });
}

async function device(userId: string, register: Record<string, unknown> = {}) {
  const client = await open(userId);
  return { client, registered: await client.ask({ action: 'register', ...register }) };
}

const dataOf = (frame: Record<string, unknown>) => (frame['messages'] as { data: unknown }[]).map(({ data }) => data);
const toBob = (data: unknown, more = {}) => ({ action: 'sendMessage', to: { user: 'bob' }, data, ...more });

describe('waiting messages', () => {
  beforeEach(() => start());

  test('reach each returning device once, until a cursor acknowledges them', async () => {
    const { client: alice } = await device('alice');
    await alice.ask(toBob('one'));
    await alice.ask(toBob('two'));

    const phone = await device('bob');
    expect(dataOf(phone.registered)).toEqual(['one', 'two']);
    expect((await device('bob')).registered).toMatchObject({ messages: phone.registered['messages'] });

    await phone.client.ask({ action: 'ping', cursor: phone.registered['cursor'] });
    await alice.ask(toBob('three'));
    const laptop = await device('bob');
    expect(dataOf(laptop.registered)).toContain('three');
  });

  test('come in pages, in order, whatever their number', async () => {
    const all = Array.from({ length: 1000 }, (_, index) => index);
    // Each sender fills its quota.
    for (let at = 0; at < all.length; at += 100) {
      const { client } = await device(`sender-${at}`);
      for (const from of [at, at + 50]) {
        const messages = all.slice(from, from + 50).map((data) => ({ to: { user: 'bob' }, data }));
        expect(await client.ask({ action: 'sendMessage', messages })).toMatchObject({ type: 'ack' });
      }
    }

    const { client: bob, registered } = await device('bob');
    const read = dataOf(registered);
    let page = registered;
    while (page['more']) {
      const serials = (page['messages'] as { serial: string }[]).map(({ serial }) => serial);
      page = await bob.ask({ action: 'register', after: serials.at(-1) });
      read.push(...dataOf(page));
    }
    expect(read).toEqual(all);
  });

  test('reach a device whose socket lost them, by a ping', async () => {
    const { client: bob, registered } = await device('bob');
    const { client: alice } = await device('alice');
    await alice.ask(toBob('swallowed?'));
    expect(dataOf(await bob.ask({ action: 'ping', cursor: registered['cursor'] }))).toEqual(['swallowed?']);
  });

  test('a retry with the same id delivers the first message again, and the ack says so', async () => {
    const { client: alice } = await device('alice');
    const { client: bob } = await device('bob');
    await alice.ask({ action: 'sendMessage', messages: [{ to: { user: 'bob' }, data: 'first', id: 'm1' }] });
    const again = { to: { user: 'bob' }, data: 'changed', id: 'm1', retry: true };
    expect(await alice.ask({ action: 'sendMessage', messages: [again] })).toMatchObject({
      results: [{ id: 'm1', status: 'sent', duplicate: true }],
    });
    await expect
      .poll(() => bob.frames.filter(({ type }) => type === 'messages').flatMap(dataOf))
      .toEqual(['first', 'first']);
  });

  test('the sender’s other devices get copies if the sender asks for them', async () => {
    const [{ client: one }, { client: two }] = [await device('alice'), await device('alice')];
    await one.ask(toBob('echoed', { echo: true }));
    await two.frame((frame) => frame['type'] === 'messages');
    expect(one.frames.some(({ type }) => type === 'messages')).toBe(false);
  });
});

describe('bad cursors', () => {
  beforeEach(() => start());

  test.each([
    [
      'malformed',
      { cursor: 'yesterday' },
      { code: 'invalid_frame', message: '"cursor" must be a cursor or a serial, as the server gave it' },
    ],
    ['from the future', { cursor: '7ZZZZZZZZZ0000000000000000' }, { code: 'invalid_cursor' }],
    [
      'an attempt that is no number',
      { attempt: '1' },
      { code: 'invalid_frame', message: '"attempt" must be a number' },
    ],
  ])('%s: the registration is refused, and one without the cursor succeeds', async (_, fields, error) => {
    const client = await open('bob');
    expect(await client.ask({ action: 'register', ...fields })).toMatchObject({ type: 'error', ...error });
    expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  });

  test('of another user count as a time, and give no message of that user', async () => {
    const { client: alice, registered } = await device('alice');
    const ack = await alice.ask({ action: 'sendMessage', to: { user: 'alice' }, data: 'for alice alone' });
    await alice.ask(toBob('for bob'));
    const [{ serial }] = ack['results'] as [{ serial: string }];
    const { client: bob, registered: ofBob } = await device('bob', { cursor: registered['cursor'] });
    expect(ofBob).toMatchObject({ recovered: true, messages: [{ data: 'for bob' }] });
    expect(dataOf(await bob.ask({ action: 'register', after: registered['cursor'] }))).toEqual(['for bob']);
    expect(dataOf(await bob.ask({ action: 'register', after: serial }))).toEqual(['for bob']);
    expect(dataOf(await bob.ask({ action: 'ping', cursor: serial }))).toEqual(['for bob']);
  });

  test('older than the retention give all kept messages, and recovered: false', async () => {
    const { client: alice } = await device('alice');
    await alice.ask(toBob('kept'));
    const { registered } = await device('bob', { cursor: '01000000000000000000000000' });
    expect(registered).toMatchObject({ recovered: false, messages: [{ data: 'kept' }] });
  });
});

describe('a connection whose posts fail', () => {
  test('is closed, gets nothing more, and finds everything when it returns', async () => {
    const rule = { point: 'post', kind: 'error', probability: 1, limit: 3 } as const;
    await start({ seed: 1, rules: [rule] });
    const { client: bob, registered } = await device('bob');
    const { client: alice } = await device('alice');

    expect(await alice.ask(toBob('missed'))).toMatchObject({
      results: [{ status: 'stored', connections: { sent: 0, gone: 0, failed: 1 } }],
    });
    expect(await alice.ask(toBob('after it'))).toMatchObject({
      results: [{ status: 'stored', connections: { failed: 0 } }],
    });
    await bob.closed;

    expect(bob.frames.some(({ type }) => type === 'messages')).toBe(false);
    const back = await device('bob', { cursor: registered['cursor'] });
    expect(dataOf(back.registered)).toEqual(['missed', 'after it']);
  });
});
