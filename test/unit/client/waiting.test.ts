import { describe, expect, it } from 'vitest';
import type { CallOptions } from '../../../client/index.ts';
import { connectClient, type StartedClient, startClient } from '../../support/client-session.ts';
import { messageAt, settle } from '../../support/client-world.ts';

type AnyClient = StartedClient['client'];

/** Every call that waits, as it is made of a client that is not connected. */
const CALLS: readonly (readonly [string, (client: AnyClient, options: CallOptions) => Promise<unknown>])[] = [
  ['ready', (client, options) => client.ready(options)],
  ['once', (client, options) => client.once('message', options)],
  ['join', (client, options) => client.join('lobby', options)],
  ['presence', (client, options) => client.presence(['bob'], options)],
  ['watch', (client, options) => client.watch(['bob'], options)],
  ['unwatch', (client, options) => client.unwatch(['bob'], options)],
  ['history', (client, options) => client.history({ user: 'bob' }, options)],
  ['search', (client, options) => client.search({ user: 'bob' }, 'hi', options)],
  ['unread', (client, options) => client.unread([{ user: 'bob' }], options)],
  ['markRead', (client, options) => client.markRead({ user: 'bob' }, '1', options)],
  ['block', (client, options) => client.block('bob', options)],
  ['unblock', (client, options) => client.unblock('bob', options)],
  ['blocked', (client, options) => client.blocked(options)],
];

describe.each(CALLS)('%s', (_, call) => {
  it('stops waiting when its time is over', async () => {
    const { world, client } = startClient({ connectTimeoutMs: 2 ** 31 - 1 });
    let outcome: unknown = 'waiting';
    call(client, { timeoutMs: 5_000 }).catch(({ code }) => {
      outcome = code;
    });
    await world.advance(4_999);
    expect(outcome).toBe('waiting');
    await world.advance(1);
    expect(outcome).toBe('expired');
    client.close();
  });

  it('stops waiting when the signal aborts, for its reason', async () => {
    const { client } = startClient();
    const controller = new AbortController();
    const waiting = call(client, { signal: controller.signal });
    await settle();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    client.close();
  });

  it('stops waiting when the client is closed', async () => {
    const { client } = startClient();
    const waiting = call(client, {});
    await settle();
    client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await expect(call(client, {})).rejects.toMatchObject({ code: 'closed' });
  });

  it.each([0, -1, Number.NaN, 2 ** 31, '5'])('takes no time limit of %s', async (timeoutMs) => {
    const { client } = startClient();
    await expect(call(client, { timeoutMs: timeoutMs as number })).rejects.toThrow(/"timeoutMs" must be a number/);
    client.close();
  });

  it('takes no option that it does not know', async () => {
    const { client } = startClient();
    await expect(call(client, { timeout: 5 } as CallOptions)).rejects.toThrow(/unknown option "timeout"/);
    client.close();
  });
});

describe('leave', () => {
  it('stops waiting for the server, by time or signal, and the client is out of the room', async () => {
    const { world, client, socket } = await connectClient();
    const joined = client.join('lobby');
    await settle();
    socket.joined();
    await joined;
    const received: unknown[] = [];
    client.on('message', ({ id }) => received.push(id));
    const left = expect(client.leave('lobby', { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'expired' });
    await world.advance(1_000);
    await left;
    expect(socket.count('leave')).toBe(1);
    const aborted = client.leave('lobby', { signal: AbortSignal.abort(new Error('enough')) });
    await expect(aborted).rejects.toThrow('enough');
  });
});

describe('markRead', () => {
  it('waits for 30 seconds unless it is told otherwise, and the marker is sent all the same', async () => {
    const { world, client } = startClient({ connectTimeoutMs: 2 ** 31 - 1 });
    const read = expect(client.markRead({ user: 'bob' }, '1')).rejects.toMatchObject({ code: 'expired' });
    await world.advance(30_000);
    await read;
    const socket = await world.accept();
    expect(socket.last('mark')).toMatchObject({ marks: [{ conversation: { user: 'bob' }, read: '1' }] });
    socket.answer('mark', { type: 'marked' });
    await settle();
  });
});

describe('ready', () => {
  it('resolves once the client is connected, and at once while it is', async () => {
    const { world, client } = startClient();
    let isReady = false;
    const ready = client.ready().then(() => {
      isReady = true;
    });
    await settle();
    expect(isReady).toBe(false);
    await world.accept();
    await ready;
    await client.ready();
    world.socket.end();
    const again = client.ready();
    await world.advance(1_000);
    await world.accept();
    await again;
  });

  it('rejects when the server wants no other attempt', async () => {
    const { client, socket } = await connectClient();
    socket.receive({ type: 'bye', code: 'disconnected', message: 'Out.', reconnect: false });
    await expect(client.ready()).rejects.toMatchObject({ code: 'disconnected', retryable: false });
  });
});

describe('once', () => {
  it('gives what the event carries, the next time only, and leaves no listener behind', async () => {
    const { client, socket } = await connectClient();
    const next = client.once('message');
    socket.push(messageAt(1_000), messageAt(2_000));
    expect(await next).toMatchObject({ id: '1000' });
    const controller = new AbortController();
    const aborted = client.once('message', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    const state = client.once('state');
    client.close();
    expect(await state).toMatchObject({ status: 'closed' });
  });

  it('knows the events', async () => {
    const { client } = startClient();
    await expect(client.once('mesage' as 'message')).rejects.toThrow(/there is no event "mesage"/);
  });
});

it.each(['dispose', 'asyncDispose'])('Symbol.%s closes the client where the runtime has it', async (name) => {
  const { client } = await connectClient();
  const key = (Symbol as unknown as Record<string, symbol | undefined>)[name];
  if (!key) return;
  (client as unknown as Record<symbol, () => void>)[key]?.();
  expect(client.state.status).toBe('closed');
});
