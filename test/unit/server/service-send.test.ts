import { beforeEach, describe, expect, test } from 'vitest';
import { problem } from '../../../protocol/index.ts';
import type { LogLine } from '../../../server/logger.ts';
import type { Send } from '../../../server/send.ts';
import { createServiceSend } from '../../../server/service-send.ts';

const calls: Parameters<Send>[] = [];
let sending: Send;
const send: Send = async (from, inputs) => {
  calls.push([from, inputs]);
  const connections = { delivered: 1, gone: 0, failed: 0 };
  return {
    ok: true,
    value: inputs.map(({ id = 'minted' }) => ({ id, serial: 'S1', status: 'delivered', connections, users: [] })),
  };
};
const lines: LogLine[] = [];
const serviceSend = createServiceSend({
  send: (...call) => sending(...call),
  log: (line) => lines.push(line),
  now: () => 0,
});
const invoke = (event: unknown, awsRequestId = '6c2a') => serviceSend(event, { awsRequestId });
const message = { to: { user: 'bob' }, data: 1 };

beforeEach(() => {
  sending = send;
  lines.length = 0;
});

test('sends one message on behalf of a named service', async () => {
  expect(await invoke({ ...message, id: 'm1', service: 'orders' })).toMatchObject({ results: [{ id: 'm1' }] });
  expect(calls.at(-1)?.slice(0, 2)).toEqual([{ from: { service: 'orders' } }, [{ ...message, id: 'm1' }]]);
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

describe('an event that Lambda runs again', () => {
  const idsOf = async (event: unknown, awsRequestId?: string) => {
    await invoke(event, awsRequestId);
    return calls.at(-1)?.[1].map(({ id, retry }) => [id, retry]);
  };

  test('sends its message under the same id, and says that it may have been sent before', async () => {
    expect(await idsOf(message)).toEqual([['6c2a', true]]);
    expect(await idsOf(message)).toEqual([['6c2a', true]]);
    expect(await idsOf(message, '77b0')).toEqual([['77b0', true]]);
  });

  test('sends each of several under an id of its own, and leaves those alone that have one', async () => {
    const messages = [message, { ...message, id: 'mine' }, message];
    const ids = [
      ['6c2a.0', true],
      ['mine', undefined],
      ['6c2a.2', true],
    ];
    expect(await idsOf({ messages })).toEqual(ids);
    expect(await idsOf({ messages })).toEqual(ids);
  });

  test('counts an invalid message among several, whose ids stay the same', async () => {
    expect(await idsOf({ messages: ['invalid', message] })).toEqual([['6c2a.1', true]]);
  });
});

describe('the log says', () => {
  test('that all was sent', async () => {
    await invoke(message);
    expect(lines).toMatchObject([
      { route: 'send', outcome: 'ok', requestId: '6c2a', metrics: { MessagesDelivered: 1 } },
    ]);
  });

  test('that an event was wrong', async () => {
    await expect(invoke(null)).rejects.toThrow();
    expect(lines).toMatchObject([{ outcome: 'failed', reason: 'invalid_frame', metrics: { FramesRefused: 1 } }]);
  });

  test('that the only message, or one of several, could not be sent', async () => {
    sending = async () => ({ ok: true, value: [{ error: problem('internal') }] });
    await expect(invoke(message)).rejects.toMatchObject({ code: 'internal' });
    sending = send;
    await invoke({ messages: [message, 'invalid'] });
    expect(lines).toMatchObject([
      { outcome: 'failed', reason: 'internal', metrics: { FramesRefused: 1 } },
      { outcome: 'failed', reason: 'invalid_frame', metrics: { MessagesDelivered: 1, FramesRefused: 1 } },
    ]);
  });

  test('what nobody expected', async () => {
    sending = async () => Promise.reject(new Error('broken'));
    await expect(invoke(message)).rejects.toThrow('broken');
    expect(lines).toMatchObject([{ outcome: 'failed', error: { message: 'broken' }, metrics: { Errors: 1 } }]);
  });
});
