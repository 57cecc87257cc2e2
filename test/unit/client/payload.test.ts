import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EncodedData } from '../../../client/sending/data.ts';
import { MAX_DECODED_BYTES, type Message } from '../../../protocol/index.ts';
import { connectClient, nextSince, resumedClient } from '../../support/client-session.ts';
import { type FakeSocket, messageAt, seededRandom, settle } from '../../support/client-world.ts';
import { decodeMessages, encodeData as encode } from '../../support/encoding.ts';

afterEach(() => vi.unstubAllGlobals());

const gzip = (data: string | Uint8Array) => gzipSync(data).toString('base64');

/** As the recipient gets it that is sent like this. */
async function arrived({ json, encoding }: EncodedData): Promise<unknown> {
  const [message] = await decodeMessages([encoded(JSON.parse(json), encoding)]);
  expect(message).not.toHaveProperty('encoding');
  return message?.data;
}

function encoded(data: unknown, encoding: unknown, sentAt = 2_000): Message {
  return { ...messageAt(sentAt), data, ...(encoding !== undefined && { encoding }) } as Message;
}

function noise(length: number): Uint8Array {
  const random = seededRandom(length);
  return Uint8Array.from({ length }, () => random() * 256);
}

const LARGE = { lines: Array.from({ length: 100 }, (_, index) => `line ${index}: Grüße 👋`) };

describe('data arrives as it was sent', () => {
  it.each([
    ['null', null],
    ['a number', 0.1],
    ['text', 'Grüße 👋'],
    ['a large object', LARGE],
    ['large text of many bytes a character', '👋'.repeat(2_000)],
    ['a key that objects have', JSON.parse('{"__proto__":{"a":1}}')],
  ])('%s', async (_, data) => {
    expect(await arrived(await encode(data))).toEqual(data);
    expect(await arrived(await encode(data, false))).toEqual(data);
  });

  it.each([
    ['none', new Uint8Array()],
    ['few', Uint8Array.of(0, 255, 10, 128)],
    ['many that compress', new Uint8Array(20_000).fill(7)],
    ['many that do not', noise(20_000)],
  ])('bytes: %s', async (_, bytes) => {
    expect(await arrived(await encode(bytes))).toEqual(bytes);
    expect(await arrived(await encode(bytes, false))).toEqual(bytes);
  });

  it.each([
    ['an ArrayBuffer', Uint8Array.of(1, 2, 3).buffer],
    ['a part of a buffer', new Uint8Array(Uint8Array.of(9, 1, 2, 3, 9).buffer, 1, 3)],
    ['a DataView', new DataView(Uint8Array.of(9, 1, 2, 3).buffer, 1)],
    ['another view', Uint16Array.of(0x0201, 3).subarray(0, 2)],
    ['a Buffer of Node', Buffer.from([1, 2, 3])],
    ['a Blob', new Blob(['\u0001\u0002', '\u0003'], { type: 'image/png' })],
  ])('bytes in %s', async (_, data) => {
    const bytes = (await arrived(await encode(data))) as Uint8Array;
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect([...bytes].slice(0, 3)).toEqual([1, 2, 3]);
  });
});

describe('compression', () => {
  it('is there when it makes the frame smaller', async () => {
    const json = JSON.stringify(LARGE);
    const { encoding, bytes } = await encode(LARGE);
    expect(encoding).toBe('json/gzip/base64');
    expect(bytes).toBeLessThan(json.length / 3);
    expect(await encode(new Uint8Array(20_000))).toMatchObject({ encoding: 'gzip/base64' });
  });

  it.each([
    ['there is little', { text: 'x'.repeat(900) }],
    ['it would not help', String.fromCharCode(...noise(3_000).map((byte) => 35 + (byte % 57)))],
  ])('is not when %s', async (_, data) => {
    expect(await encode(data)).toEqual({ json: JSON.stringify(data), bytes: Buffer.byteLength(JSON.stringify(data)) });
  });

  it('counts what has to be said about it', async () => {
    // Halves of 1 KB that repeat themselves up to some point: somewhere on the way the gain is as large as the price.
    for (let repeated = 0; repeated < 1_024; repeated += 32) {
      const text = Buffer.from(noise(1_024)).toString('hex').slice(0, 1_024);
      const data = text.slice(0, 1_024 - repeated) + text.slice(0, repeated);
      const plain = `"data":${JSON.stringify(data)}`;
      const zipped = `"encoding":"json/gzip/base64","data":"${gzip(JSON.stringify(data))}"`;
      const { encoding } = await encode(data);
      expect(encoding, `${repeated}`).toBe(zipped.length < plain.length ? 'json/gzip/base64' : undefined);
    }
  });

  it.each([
    ['where it is not wanted', false],
    ['where the runtime has none', true],
  ])('is not there %s', async (_, compress) => {
    if (compress) vi.stubGlobal('CompressionStream', undefined);
    expect((await encode(LARGE, compress)).encoding).toBeUndefined();
    expect((await encode(new Uint8Array(5_000), compress)).encoding).toBe('base64');
  });
});

describe.each([
  ['DecompressionStream', false],
  ['what is loaded where it is missing', true],
])('with %s, data that cannot be decoded is handed on as it came', (_, isMissing) => {
  beforeEach(() => {
    if (isMissing) vi.stubGlobal('DecompressionStream', undefined);
  });

  it.each([
    ['of a later version', 'x', 'zstd/base64'],
    ['with a name that every object has', 'x', 'constructor'],
    ['with steps in another order', 'eA==', 'base64/gzip'],
    ['that is no string', { a: 1 }, 'base64'],
    ['that is no base64', '§', 'base64'],
    ['that is not compressed', 'eA==', 'gzip/base64'],
    ['that breaks off', gzip('x'.repeat(1_000)).slice(0, 8), 'gzip/base64'],
    ['with something behind it', Buffer.concat([gzipSync('x'), Buffer.from('y')]).toString('base64'), 'gzip/base64'],
    ['that is damaged', gzip('x'.repeat(9)).replace(/.{12}$/, 'AAAAAAkAAAA='), 'gzip/base64'],
    ['that is shorter than its trailer', 'H4sIAAAA', 'gzip/base64'],
    ['that is no text', gzip(Uint8Array.of(0x22, 0xff, 0x22)), 'json/gzip/base64'],
    ['that is no JSON', gzip('{'), 'json/gzip/base64'],
    ['with a number that a double cannot carry', gzip('{"id":9007199254740993}'), 'json/gzip/base64'],
    ['that says nothing', 'x', ''],
    ['that says something odd', 'x', 7],
    ['that would become very large', gzip(new Uint8Array(MAX_DECODED_BYTES + 1)), 'gzip/base64'],
  ])('%s', async (_, data, encoding) => {
    const message = encoded(data, encoding);
    expect(await decodeMessages([message])).toEqual([message]);
  });

  it('but not what becomes as large as may be', async () => {
    const [message] = await decodeMessages([encoded(gzip(new Uint8Array(MAX_DECODED_BYTES)), 'gzip/base64')]);
    expect(message?.data).toHaveLength(MAX_DECODED_BYTES);
  });

  it('but not what is in order', async () => {
    const [large, none, plain] = await decodeMessages([
      encoded(gzip(JSON.stringify(LARGE)), 'json/gzip/base64'),
      encoded(gzip(''), 'gzip/base64'),
      encoded('eA==', 'base64', 1),
    ]);
    expect([large?.data, none?.data, plain?.data]).toEqual([LARGE, new Uint8Array(), Uint8Array.of(120)]);
  });

  it('nor becomes more than was asked for, whatever it says of its length', async () => {
    const bomb = gzipSync(new Uint8Array(2 * MAX_DECODED_BYTES));
    bomb.writeUInt32LE(8, bomb.length - 4);
    const message = encoded(bomb.toString('base64'), 'gzip/base64');
    expect(await decodeMessages([message])).toEqual([message]);
  });
});

describe('a message that cannot be decoded', () => {
  it('is told of, once, and handed on as it came', async () => {
    const { client, socket } = await resumedClient();
    const told: unknown[] = [];
    client.on('error', (error) => told.push(error));
    client.on('message', ({ data, encoding }) => told.push([data, encoding]));
    const message = encoded('H4sI', 'gzip/base64');
    socket.push(message);
    socket.push(message, encoded('x', 'zstd/base64', 3_000));
    await vi.waitFor(() => expect(told).toHaveLength(4));
    const error = { name: 'BeckonError', code: 'undecodable' };
    expect(told).toMatchObject([
      {
        ...error,
        message: expect.stringContaining('The encoding is "gzip/base64", the id "2000", the sender {"user":"bob"}.'),
      },
      ['H4sI', 'gzip/base64'],
      error,
      ['x', 'zstd/base64'],
    ]);
  });

  it('is told of, too, where it is asked for', async () => {
    const { client, socket } = await connectClient();
    const codes: string[] = [];
    client.on('error', ({ code }) => codes.push(code));
    for (const method of ['history', 'search'] as const) {
      const bob = { user: 'bob' };
      const page = method === 'history' ? client.history(bob) : client.search(bob, 'x');
      await vi.waitFor(() =>
        socket.answer(method, { type: method, conversation: { user: 'bob' }, messages: [encoded('§', 'base64')] }),
      );
      expect((await page).messages).toEqual([encoded('§', 'base64')]);
    }
    expect(codes).toEqual(['undecodable', 'undecodable']);
  });
});

function sentMessages(socket: FakeSocket): Record<string, unknown>[] {
  return socket.sent.flatMap((frame) => (frame['messages'] ?? []) as Record<string, unknown>[]);
}

describe('a client', () => {
  it('sends in the order of the calls, however long each takes to be encoded', async () => {
    const { client, socket } = await connectClient();
    for (const data of [1, new Blob(['blob']), LARGE, 2, Uint8Array.of(1), 3]) void client.sendToUser('bob', data);
    await vi.waitFor(() => {
      for (const frame of socket.sent) if (frame.action === 'sendMessage') socket.acknowledge();
      expect(sentMessages(socket).map(({ id }) => id)).toEqual(['id-1', 'id-2', 'id-3', 'id-4', 'id-5', 'id-6']);
    });
    expect(sentMessages(socket).map(({ encoding }) => encoding)).toEqual([
      undefined,
      'base64',
      'json/gzip/base64',
      undefined,
      'base64',
      undefined,
    ]);
  });

  it('sends what the data was when it was called', async () => {
    const { client, socket } = await connectClient();
    const bytes = Uint8Array.of(1, 2, 3);
    const large = structuredClone(LARGE);
    void client.sendToUser('bob', bytes);
    void client.sendToUser('bob', large);
    bytes.fill(9);
    large.lines.length = 0;
    await vi.waitFor(() => {
      if (socket.count('sendMessage') > 0) socket.acknowledge();
      expect(sentMessages(socket)).toHaveLength(2);
    });
    const [first, second] = await decodeMessages(sentMessages(socket) as never);
    expect(first?.data).toEqual(Uint8Array.of(1, 2, 3));
    expect(second?.data).toEqual(LARGE);
  });

  it('refuses what is too large, with its size once it is encoded, and sends what comes behind it', async () => {
    const { client, socket } = await connectClient();
    const refused = client.sendToUser('bob', noise(30_000));
    const huge = client.sendToUser('bob', new Blob([new Uint8Array(MAX_DECODED_BYTES + 1)]));
    const fits = client.sendToUser('bob', new Uint8Array(MAX_DECODED_BYTES));
    const code = 'message_too_large';
    expect(await Promise.allSettled([refused, huge])).toMatchObject([
      { reason: { code, message: 'The data has 40002 bytes; at most 32768 are allowed.' } },
      { reason: { code, message: 'The data has 262145 bytes; at most 262144 are allowed.' } },
    ]);
    await vi.waitFor(() => socket.acknowledge());
    await expect(fits).resolves.toMatchObject({ status: 'sent' });
  });

  it('refuses a Blob that cannot be read, and sends what comes behind it', async () => {
    const { client, socket } = await connectClient();
    const gone = new Blob(['x']);
    vi.spyOn(Blob.prototype, 'arrayBuffer').mockRejectedValueOnce(new DOMException('gone', 'NotReadableError'));
    const refused = client.sendToUser('bob', gone);
    const next = client.sendToUser('bob', 1);
    await expect(refused).rejects.toMatchObject({ name: 'NotReadableError' });
    await vi.waitFor(() => socket.acknowledge());
    await expect(next).resolves.toMatchObject({ id: 'id-2' });
  });

  it('takes back, refuses and counts what is still being encoded', async () => {
    const { client } = await connectClient({ maxQueuedMessages: 2 });
    const controller = new AbortController();
    const aborted = client.sendToUser('bob', LARGE, { signal: controller.signal });
    const closed = client.sendToUser('bob', LARGE);
    const full = client.sendToUser('bob', 1).catch(({ code }) => code);
    expect(await Promise.race([full, settle()])).toBe('outbox_full');
    const outcomes = Promise.allSettled([aborted, closed]);
    controller.abort(new Error('changed my mind'));
    client.close();
    expect(await outcomes).toMatchObject([
      { reason: { message: 'changed my mind' } },
      { reason: { code: 'closed', maybeDelivered: false } },
    ]);
  });

  it('hands messages on in their order, and moves the cursor with them, however long each takes to be decoded', async () => {
    const { world, client, socket, ids } = await resumedClient();
    const seen: unknown[] = [];
    client.on('message', ({ data }) => seen.push(data));
    socket.push(encoded(gzip(JSON.stringify(LARGE)), 'json/gzip/base64', 2_000), messageAt(3_000));
    socket.push(messageAt(4_000));
    expect(ids).toEqual([]);
    await vi.waitFor(() => expect(ids).toEqual(['2000', '3000', '4000']));
    expect(seen[0]).toEqual(LARGE);
    expect(await nextSince(world)).toBe(messageAt(4_000).serial);
  });

  it('hands nothing on once it is closed, though it had come before', async () => {
    const { client, socket, ids } = await resumedClient();
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    socket.push(encoded(gzip('"late"'), 'json/gzip/base64', 2_000));
    socket.receiveRaw('nonsense');
    socket.receive({ type: 'error', code: 'invalid_json', message: '', retryable: false });
    client.close();
    await decodeMessages([encoded(gzip('"late"'), 'json/gzip/base64')]);
    await settle();
    expect([ids, errors, client.counters.ignoredFrames]).toEqual([[], [], 0]);
  });

  it('hands on what came before the end of its connection', async () => {
    const { world, client, socket, ids } = await resumedClient();
    socket.push(encoded(gzip('"last"'), 'json/gzip/base64', 2_000));
    socket.end(1001);
    await vi.waitFor(() => expect(client.state.status).toBe('recovering'));
    expect(ids).toEqual(['2000']);
    expect(world.sockets).toHaveLength(1);
  });
});
