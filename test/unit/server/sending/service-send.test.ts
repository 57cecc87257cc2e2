import { beforeEach, describe, expect, test } from 'vitest';
import { problem } from '../../../../protocol/index.ts';
import type { InvocationError, InvocationProblem } from '../../../../server/edge/invocation.ts';
import type { LogLine } from '../../../../server/logger.ts';
import type { Send } from '../../../../server/sending/send.ts';
import { createServiceSend } from '../../../../server/sending/service-send.ts';

const calls: Parameters<Send>[] = [];
let sending: Send;
const send: Send = async (from, inputs) => {
  calls.push([from, inputs]);
  const connections = { sent: 1, gone: 0, failed: 0 };
  return {
    ok: true,
    value: inputs.map(({ id = 'minted' }) => ({ id, serial: 'S1', status: 'sent', connections, users: [] })),
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

/** What Lambda makes of what the function throws. */
async function refusalOf(event: unknown) {
  const error = await invoke(event).then(
    () => expect.unreachable('the invocation did not fail'),
    (thrown: InvocationError) => thrown,
  );
  return { errorType: error.name, error: JSON.parse(error.message) as InvocationProblem };
}

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
    { status: 'sent' },
    { id: 'm2', error: { code: 'invalid_frame' } },
    { status: 'sent' },
  ]);
  expect(calls.at(-1)?.[0]).toEqual({ from: { service: 'server' } });
});

test.each([
  [null, 'the event must be a JSON object'],
  [
    { ...message, service: ' ' },
    '"service" must consist of visible characters, and single spaces (U+0020) between them',
  ],
  [{ ...message, text: 'hi' }, 'unknown field "text"'],
  [{ to: { user: 'bob' } }, '"data" is required'],
  [{ messages: [] }, '"messages" must hold at least one message'],
  [{ messages: 'all' }, '"messages" must be an array of messages'],
  [{ messages: [message], to: { user: 'bob' } }, 'unknown field "to"'],
  [{ messages: [message], failIfAnyFails: 1 }, '"failIfAnyFails" must be true or false'],
  [{ ...message, failIfAnyFails: true }, 'unknown field "failIfAnyFails"'],
])('an invocation with %j fails, and says why in a form that programs read', async (event, reason) => {
  expect(await refusalOf(event)).toEqual({
    errorType: 'invalid_frame',
    error: { code: 'invalid_frame', message: reason, retryable: false },
  });
});

describe('of several messages, those that cannot be sent', () => {
  const messages = [message, { to: 'bob', id: 'm2' }, { ...message, id: 'm3' }];

  test('fail on their own, even if there is only one', async () => {
    const { results } = await invoke({ messages: [{ to: 'bob', id: 'm2' }] });
    expect(results).toMatchObject([{ id: 'm2', error: { code: 'invalid_frame', retryable: false } }]);
  });

  test('fail the invocation where the event wants it, after the others were sent', async () => {
    const told = '"to" must be {"user": "…"}, {"users": ["…"]} or {"room": "…"}';
    const invalid = { code: 'invalid_frame', message: told, retryable: false };
    expect(await refusalOf({ messages, failIfAnyFails: true })).toEqual({
      errorType: 'invalid_frame',
      error: {
        ...invalid,
        message: `1 of 3 messages could not be sent: ${told}`,
        failures: [{ id: 'm2', error: invalid }],
      },
    });
    expect(calls.at(-1)?.[1]).toMatchObject([message, { id: 'm3' }]);
    expect(await invoke({ messages: [message, message], failIfAnyFails: true })).toMatchObject({ results: [{}, {}] });
  });

  test('fail it with the code of a retryable one, and ten of them are listed', async () => {
    sending = async (_, inputs) => ({
      ok: true,
      value: inputs.map(({ id = '' }) => ({ id, error: problem('internal') })),
    });
    const wrong = Array.from({ length: 20 }, (_, index) => ({ to: 'bob', id: `m${index}` }));
    const { errorType, error } = await refusalOf({ messages: [...wrong, message], failIfAnyFails: true });
    expect(errorType).toBe('internal');
    expect(error).toMatchObject({
      code: 'internal',
      retryable: true,
      failures: wrong.slice(0, 10).map(({ id }) => ({ id })),
    });
    expect(error.failures).toHaveLength(10);
  });
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
    { status: 'sent' },
    { error: { code: 'invalid_frame', message: told } },
  ]);
  expect(await refusalOf({ ...message, data: 2 ** 53 })).toMatchObject({
    error: { code: 'invalid_frame', message: told },
  });
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
    expect(lines).toMatchObject([{ route: 'send', outcome: 'ok', requestId: '6c2a', metrics: { MessagesSent: 1 } }]);
  });

  test('that an event was wrong', async () => {
    await expect(invoke(null)).rejects.toThrow();
    expect(lines).toMatchObject([{ outcome: 'failed', reason: 'invalid_frame', metrics: { FramesRefused: 1 } }]);
  });

  test('that the only message, or one of several, could not be sent', async () => {
    sending = async () => ({ ok: true, value: [{ error: problem('internal') }] });
    expect(await refusalOf(message)).toEqual({ errorType: 'internal', error: problem('internal') });
    sending = send;
    await invoke({ messages: [message, 'invalid'] });
    expect(lines).toMatchObject([
      { outcome: 'failed', reason: 'internal', metrics: { FramesRefused: 1 } },
      { outcome: 'failed', reason: 'invalid_frame', metrics: { MessagesSent: 1, FramesRefused: 1 } },
    ]);
  });

  test('an unexpected failure, which the caller is not told', async () => {
    sending = async () => Promise.reject(new Error('broken'));
    expect(await refusalOf(message)).toEqual({ errorType: 'internal', error: problem('internal') });
    expect(lines).toMatchObject([{ outcome: 'failed', error: { message: 'broken' }, metrics: { Errors: 1 } }]);
  });
});
