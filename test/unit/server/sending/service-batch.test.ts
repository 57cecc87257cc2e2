import { expect, test } from 'vitest';
import type { MessageInput } from '../../../../protocol/index.ts';
import type { Send } from '../../../../server/sending/send.ts';
import { encodeMessage, sendServiceBatch } from '../../../../server/sending/service-batch.ts';

const sent: MessageInput[] = [];
const send: Send = async (_, inputs) => {
  sent.splice(0, sent.length, ...inputs);
  const connections = { sent: 1, gone: 0, failed: 0 };
  return {
    ok: true,
    value: inputs.map(({ id = 'minted' }) => ({ id, serial: 'S1', status: 'sent', connections, users: [] })),
  };
};
const origin = { from: { service: 'orders' } };
const bob = { user: 'bob' };
const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

const BAD: readonly (readonly [string, unknown, string | RegExp])[] = [
  ['a function', () => {}, 'Found at "data": Function'],
  ['a symbol', Symbol('x'), 'Found at "data": Symbol'],
  ['a toJSON that gives nothing', { toJSON() {} }, 'Found at "data": Undefined'],
  ['a BigInt', { id: 10n }, 'Found at "data.id": BigInt'],
  ['nothing', undefined, 'Found at "data": Undefined'],
  ['a number that is none', [Number.NaN], 'Found at "data.0": NaN'],
  ['a Map', new Map(), 'Found at "data": Map'],
  ['something cyclic', cyclic, /circular/],
  [
    'a Blob that cannot be read',
    Object.assign(new Blob(['x']), { arrayBuffer: () => Promise.reject(new Error('gone')) }),
    'gone',
  ],
  [
    'a getter that throws',
    Object.defineProperty({}, 'a', {
      get: () => {
        throw new Error('mine');
      },
      enumerable: true,
    }),
    'mine',
  ],
  [
    'bytes that have an encoding',
    Uint8Array.of(1),
    'The data must be text to have the encoding "gzip/base64", and it is bytes',
  ],
];

test.each(BAD)('%s is refused, and stops no other message of a batch', async (what, data, told) => {
  const bad = { to: bob, data, id: 'bad', ...(what.startsWith('bytes') && { encoding: 'gzip/base64' }) } as never;
  await expect(encodeMessage(bad)).rejects.toThrow(told);
  const result = await sendServiceBatch(send, origin, [
    { to: bob, data: 1, id: 'a' },
    bad,
    { to: bob, data: 2, id: 'b' },
  ]);
  expect(result).toMatchObject({
    ok: true,
    value: [
      { id: 'a', status: 'sent' },
      { id: 'bad', error: { code: 'invalid_frame', retryable: false } },
      { id: 'b', status: 'sent' },
    ],
  });
  expect(sent.map(({ data }) => data)).toEqual([1, 2]);
});

test.each<[string, unknown, object]>([
  ['bytes', Uint8Array.of(0, 255), { data: 'AP8=', encoding: 'base64' }],
  ['a Buffer', Buffer.from('hi'), { data: 'aGk=', encoding: 'base64' }],
  ['a buffer', new ArrayBuffer(1), { data: 'AA==', encoding: 'base64' }],
  ['a Blob', new Blob(['hi']), { data: 'aGk=', encoding: 'base64' }],
  ['a date', { when: new Date(0) }, { data: { when: '1970-01-01T00:00:00.000Z' } }],
  ['a field that is undefined', { a: undefined }, { data: {} }],
  ['a large number', 2 ** 60, { data: 2 ** 60 }],
])('%s is sent as the client sends it', async (_, data, expected) => {
  expect(await sendServiceBatch(send, origin, [{ to: bob, data } as never])).toMatchObject({ ok: true });
  expect(sent).toEqual([{ to: bob, ...expected }]);
});

test('a value that is not a message is refused by itself', async () => {
  const messages = [null, 'x', { to: bob, data: 1 }, { to: { users: 'bob' }, data: 1 }] as never;
  expect(await sendServiceBatch(send, origin, messages)).toMatchObject({
    value: [
      { error: { code: 'invalid_frame' } },
      { error: { code: 'invalid_frame' } },
      { status: 'sent' },
      { error: { message: '"to.users" must be an array of user ids' } },
    ],
  });
});

test('the data is sent as it was when it was handed in', async () => {
  const data = { list: [1] };
  const sending = sendServiceBatch(send, origin, [{ to: bob, data }]);
  data.list.push(2);
  await sending;
  expect(sent[0]?.data).toEqual({ list: [1] });
});
