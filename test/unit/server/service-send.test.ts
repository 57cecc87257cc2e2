import { expect, test } from 'vitest';
import type { Send } from '../../../server/send.ts';
import { createServiceSend } from '../../../server/service-send.ts';

const calls: Parameters<Send>[] = [];
const send: Send = async (from, inputs) => {
  calls.push([from, inputs]);
  const connections = { delivered: 1, gone: 0, failed: 0 };
  return {
    ok: true,
    value: inputs.map(({ id = 'minted' }) => ({ id, serial: 'S1', status: 'delivered', connections, users: [] })),
  };
};
const invoke = createServiceSend({ send, log: () => undefined, now: () => 0 });
const message = { to: { user: 'bob' }, data: 1 };

test('sends one message on behalf of a named service', async () => {
  expect(await invoke({ ...message, id: 'm1', service: 'orders' })).toMatchObject({ results: [{ id: 'm1' }] });
  expect(calls.at(-1)).toEqual([{ from: { service: 'orders' } }, [{ ...message, id: 'm1' }]]);
});

test('sends several, each judged by itself', async () => {
  const { results } = await invoke({ messages: [message, { to: 'bob', id: 'm2' }, message] });
  expect(results).toMatchObject([
    { status: 'delivered' },
    { id: 'm2', error: { code: 'invalid_frame' } },
    { status: 'delivered' },
  ]);
  expect(calls.at(-1)?.[0]).toEqual({ from: { service: 'server' } });
});

test.each([
  [null, 'the event must be an object: { to, data } or { messages: [{ to, data }] }'],
  [
    { ...message, service: '' },
    '"service" must be a name: at most 256 visible characters, and single spaces (U+0020) between them',
  ],
  [{ ...message, text: 'hi' }, 'unknown field "text"'],
  [{ to: { user: 'bob' } }, '"data" is required'],
  [{ messages: [] }, '"messages" must be an array of messages'],
  [{ messages: [message], to: { user: 'bob' } }, 'unknown field "to" beside "messages"'],
])('an invocation with %j fails, and says why', async (event, reason) => {
  await expect(invoke(event)).rejects.toMatchObject({ name: 'BeckonError', code: 'invalid_frame', message: reason });
});

test('a number that the runtime may have rounded is refused, and stops no other message', async () => {
  const event = JSON.parse(
    '{"messages":[{"to":{"user":"bob"},"data":{"id":9007199254740993},"id":"m1"},{"to":{"user":"bob"},"data":[1e400]},' +
      '{"to":{"user":"bob"},"data":[9007199254740991,-9007199254740991,0.1,1e15]},{"to":{"user":"bob"},"data":-1e300}]}',
  );
  const told = '"data" must not hold numbers beyond ±9007199254740991 here: send such a number as text';
  expect((await invoke(event)).results).toMatchObject([
    { id: 'm1', error: { code: 'invalid_frame', message: told } },
    { error: { code: 'invalid_frame', message: expect.stringContaining('that a double cannot carry') } },
    { status: 'delivered' },
    { error: { code: 'invalid_frame', message: told } },
  ]);
  await expect(invoke({ ...message, data: 2 ** 53 })).rejects.toMatchObject({ code: 'invalid_frame' });
});
