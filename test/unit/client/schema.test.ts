import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client, InvalidMessage, Schema } from '../../../client/index.ts';
import { openConversation } from '../../../client/stores/conversation.ts';
import { serialFloor } from '../../../server/serial.ts';
import { createTestServer, type TestServer } from '../../../testing/index.ts';
import { connectClient, openNext, startClient } from '../../support/client-session.ts';
import { messageAt, settle } from '../../support/client-world.ts';
import { FakeBrowser } from '../../support/pages.ts';

const NOTE = v.object({ text: v.string(), color: v.optional(v.string(), 'yellow') });
type Note = v.InferOutput<typeof NOTE>;

/** Written by hand: texts, in capitals. Each check takes as long as the test says. */
function capitals(delay: () => Promise<void> | undefined = () => undefined): Schema<string> {
  const check = (value: unknown) =>
    typeof value === 'string' ? { value: value.toUpperCase() } : { issues: [{ message: 'not a text' }] };
  const validate = (value: unknown) => delay()?.then(() => check(value)) ?? check(value);
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

let server: TestServer;
beforeEach(() => {
  server = createTestServer();
});
afterEach(() => server.close());

const connected = async <T = never>(user: string, schema?: Schema<unknown, unknown>) => {
  const client = server.client<T & never>(user, schema && { schema });
  await client.ready();
  return client as unknown as Client<T>;
};
const record = (client: Client<never>) => {
  const data: unknown[] = [];
  const invalid: InvalidMessage[] = [];
  client.on('message', (message) => data.push(message.data));
  client.on('invalid', (message) => invalid.push(message));
  return { data, invalid };
};

describe('data that is sent', () => {
  it('rejects with a TypeError that names path and message, and goes nowhere', async () => {
    const alice = await connected<unknown>('alice', NOTE);
    const wrong = alice.sendToUser('bob', { text: 7 });
    await expect(wrong).rejects.toThrow(TypeError);
    await expect(wrong).rejects.toThrow(/"data\.text": .*string/);
    await expect(alice.sendToRoom('lobby', new Uint8Array([1]))).rejects.toThrow(/"data\.text"/);
    expect(server.sent).toEqual([]);
  });

  it('arrives as it was at the call, and in the order of the calls', async () => {
    let waits = 0;
    const slowFirst = capitals(() => (waits++ === 0 ? settle().then(settle) : undefined));
    const alice = await connected<unknown>('alice', slowFirst);
    await Promise.all(['one', 'two', new Date(0)].map((data) => alice.sendToUser('bob', data)));
    expect(server.sent.map(({ data }) => data)).toEqual(['one', 'two', new Date(0).toJSON()]);
  });

  it('is checked as recipients get it, bytes included', async () => {
    const seen: unknown[] = [];
    const validate = (value: unknown) => {
      seen.push(value);
      return { value };
    };
    const alice = await connected<unknown>('alice', { '~standard': { version: 1, vendor: 'test', validate } });
    await alice.sendToUser('bob', { at: new Date(0), gone: undefined });
    await alice.sendToUser('bob', new Blob(['abc']));
    expect(seen).toEqual([{ at: '1970-01-01T00:00:00.000Z' }, new Uint8Array([97, 98, 99])]);
  });

  it('fails as an entry of a conversation', async () => {
    const alice = await connected<Note>('alice', NOTE);
    const conversation = openConversation<Note>(alice, { user: 'bob' });
    conversation.send({ text: 7 } as never);
    await vi.waitUntil(() => conversation.state.entries[0]?.status === 'failed');
    expect(conversation.state.entries[0]?.error).toBeInstanceOf(TypeError);
  });

  it('rejects if the schema throws', async () => {
    const validate = () => {
      throw new Error('out of order');
    };
    const alice = await connected<unknown>('alice', { '~standard': { version: 1, vendor: 'test', validate } });
    await expect(alice.sendToUser('bob', 1)).rejects.toThrow('The schema failed: out of order');
  });
});

describe('data that arrives', () => {
  it('is what the schema returns, live, in the history and in the loop', async () => {
    const bob = await connected<Note>('bob', NOTE);
    const alice = await connected<unknown>('alice');
    const { data, invalid } = record(bob as never);
    const loop = bob.messages();
    await alice.sendToUser('bob', { text: 'one', extra: 1 });
    await alice.sendToUser('bob', { txt: 'two' });
    await alice.sendToUser('bob', { text: 'three', color: 'red' });
    const wanted = [
      { text: 'one', color: 'yellow' },
      { text: 'three', color: 'red' },
    ];
    await vi.waitUntil(() => data.length === 2);
    expect(data).toEqual(wanted);
    expect(invalid).toMatchObject([{ message: { data: { txt: 'two' }, from: { user: 'alice' } }, issues: [{}] }]);
    expect([(await loop.next()).value.data, (await loop.next()).value.data]).toEqual(wanted);
    const { messages } = await bob.history({ user: 'alice' });
    expect(messages.map((message) => message.data)).toEqual(wanted);
    expect(invalid).toHaveLength(2);
  });

  it('keeps its order while the schema takes its time', async () => {
    const releases: (() => void)[] = [];
    const schema = capitals(() => new Promise((resolve) => void releases.push(resolve)));
    const { client, socket } = await connectClient({ schema });
    const { data } = record(client as never);
    socket.push(messageAt(1_000, 'a'), messageAt(2_000, 'b'));
    socket.push(messageAt(3_000, 'c'));
    await settle();
    expect(releases).toHaveLength(2);
    releases[1]?.();
    await settle();
    expect(data).toEqual([]);
    releases[0]?.();
    await settle();
    releases[2]?.();
    await settle();
    expect(data).toEqual(['A', 'B', 'C']);
  });

  it('is told as invalid once, and not confirmed', async () => {
    const { world, client, socket } = await connectClient({ schema: capitals() });
    const { data, invalid } = record(client as never);
    const valid = { ...messageAt(1_000, 'a'), receipt: true } as const;
    const wrong = { ...messageAt(2_000), data: 7, receipt: true } as const;
    socket.push(valid, wrong);
    socket.push(wrong);
    await world.advance(2_000);
    expect(data).toEqual(['A']);
    expect(socket.last('mark')).toMatchObject({ marks: [{ received: valid.serial }] });
    expect(invalid).toEqual([{ message: wrong, issues: [{ message: 'not a text' }] }]);
  });

  it('is checked in each tab, and converted once', async () => {
    const browser = new FakeBrowser();
    const open = () => browser.open({ shareAcrossTabs: true, schema: addOne });
    const addOne: Schema<number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => (typeof value === 'number' ? { value: value + 1 } : { issues: [{ message: 'no' }] }),
      },
    };
    const leader = open();
    const socket = await openNext(leader.world);
    socket.page([], { cursor: serialFloor(1_000_000) });
    await settle();
    const follower = open();
    await settle();
    const records = [leader, follower].map(({ client }) => record(client as never));
    socket.push(
      { ...messageAt(1_001_000), data: 1 },
      { ...messageAt(1_002_000), data: 'x' },
      { ...messageAt(1_003_000), data: 2 },
    );
    for (let turn = 0; turn < 5; turn += 1) await settle();
    for (const { data, invalid } of records) {
      expect(data).toEqual([2, 3]);
      expect(invalid).toHaveLength(1);
    }
  });

  it('waits on the server while the schema does not load', async () => {
    const { world, client } = startClient({ schema: capitals() });
    const load = world.loaders.schema;
    world.loaders.schema = () => Promise.reject(new Error('offline'));
    const { data } = record(client as never);
    await world.accept();
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'load_failed' } });
    world.loaders.schema = load;
    await world.advance(5_000);
    (await world.accept()).push(messageAt(1_000, 'a'));
    await settle();
    expect(data).toEqual(['A']);
  });
});

describe('a conversation whose schema rejects half of the history', () => {
  it('shows the valid half, loads earlier pages, and leaves nothing unread', async () => {
    const alice = await connected<unknown>('alice');
    for (let index = 0; index < 40; index += 1) {
      const isValid = index < 10 || index >= 30 ? index % 2 === 0 : false;
      await alice.sendToUser('bob', isValid ? { text: String(index) } : { txt: String(index) });
    }
    const bob = await connected<Note>('bob', NOTE);
    const conversation = openConversation<Note>(bob, { user: 'alice' }, { pageSize: 5, markRead: 'manual' });
    await vi.waitUntil(() => conversation.state.status === 'ready');
    for (let pages = 0; conversation.state.hasEarlier; pages += 1) {
      expect(pages).toBeLessThan(10);
      await conversation.loadEarlier();
    }
    const wanted = Array.from({ length: 40 }, (_, index) => index).filter(
      (index) => index % 2 === 0 && (index < 10 || index >= 30),
    );
    expect(conversation.state.entries.map(({ data }) => Number(data.text))).toEqual(wanted);
    await conversation.markRead();
    expect(await bob.unread([{ user: 'alice' }])).toMatchObject([{ count: 0 }]);
  });
});

describe('the option', () => {
  it('must be a schema', () => {
    expect(() => server.client('alice', { schema: { parse: () => 1 } as never })).toThrow(
      'connect: "schema" must be a Standard Schema',
    );
  });
});
