import { beforeEach, expect, test } from 'vitest';
import { CLIENT_FRAMES, problem } from '../../../../protocol/index.ts';
import type { WebSocketEvent } from '../../../../server/connections/connection.ts';
import { defaultRoute, messageRoute } from '../../../../server/edge/route.ts';
import type { NoteAnswer } from '../../../../server/gate/offences.ts';
import type { LogLine } from '../../../../server/logger.ts';

const NOW_SECONDS = 1_800_000_000;
const IDENTITY = { userId: 'alice', tokenExpiresAt: '1800003600', capability: '{}' };
let lines: LogLine[];
let answers: (readonly [connectionId: string, userId: string, code: string | undefined])[];
let noteAnswer: NoteAnswer;
const dependencies = {
  log: (line: LogLine) => lines.push(line),
  limits: { maxFrameBytes: 2000 },
  noteAnswer: (...values: Parameters<NoteAnswer>) => noteAnswer(...values),
  now: () => NOW_SECONDS * 1000,
};

beforeEach(() => {
  lines = [];
  answers = [];
  noteAnswer = async ({ connectionId, userId }, refused) => {
    answers.push([connectionId, userId, refused?.code]);
  };
});

function event(body: string, authorizer: Record<string, unknown> = IDENTITY) {
  const requestContext = { connectionId: 'c1=', routeKey: 'ping', requestId: 'r1=', authorizer };
  return { requestContext, body } satisfies WebSocketEvent;
}

const ping = messageRoute('ping', dependencies, async ({ userId }) => ({
  ok: true,
  value: { type: 'pong', serverTime: userId === 'alice' ? 1 : 0, messages: [], more: false },
}));

async function ask(route: typeof ping, body: string, authorizer?: Record<string, unknown>) {
  const response = await route(event(body, authorizer));
  expect(response.statusCode).toBe(200);
  return JSON.parse(response.body);
}

test('a reply carries the id of its frame, and one line says what happened', async () => {
  expect(await ask(ping, '{"action":"ping","id":"p1"}')).toEqual({
    type: 'pong',
    id: 'p1',
    serverTime: 1,
    messages: [],
    more: false,
  });
  expect(await ask(ping, '{"action":"ping"}')).toMatchObject({ type: 'pong', serverTime: 1 });
  expect(lines[0]).toEqual({ route: 'ping', outcome: 'ok', requestId: 'r1=', connectionId: 'c1=', durationMs: 0 });
});

test('when API Gateway received the frame is passed on, if the event says so', async () => {
  const received: unknown[] = [];
  const route = messageRoute('ping', dependencies, async (_connection, _frame, receivedAt) => {
    received.push(receivedAt);
    return { ok: true, value: { type: 'pong', serverTime: 1, messages: [], more: false } };
  });
  const { requestContext, body } = event('{"action":"ping"}');
  await route({ requestContext, body });
  await route({ requestContext: { ...requestContext, requestTimeEpoch: 7 }, body });
  expect(received).toEqual([undefined, 7]);
});

test('a reply is counted as its route says', async () => {
  const pong = { type: 'pong', serverTime: 7, messages: [], more: false } as const;
  const counted = messageRoute(
    'ping',
    dependencies,
    async () => ({ ok: true, value: pong }),
    ({ serverTime }) => ({ MessagesSent: serverTime }),
  );
  expect(await ask(counted, '{"action":"ping"}')).toEqual(pong);
  expect(lines[0]).toMatchObject({ outcome: 'ok', metrics: { MessagesSent: 7 } });
});

test('a wrong frame is answered with its id, and nothing of it is logged', async () => {
  expect(await ask(ping, '{"action":"ping","id":"p1","hunter2":1}')).toEqual({
    type: 'error',
    id: 'p1',
    code: 'invalid_frame',
    message: 'unknown field "hunter2"',
    retryable: false,
  });
  expect(lines[0]).toMatchObject({ outcome: 'invalid_frame', metrics: { FramesRefused: 1 } });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

test('each answer is noted and sent, whatever refuses the frame', async () => {
  const refusing = messageRoute('ping', dependencies, async () => ({ ok: false, problem: problem('not_registered') }));
  expect(await ask(ping, '{"action":"ping","pong":1}')).toMatchObject({ code: 'invalid_frame' });
  expect(await ask(refusing, '{"action":"ping"}')).toMatchObject({ code: 'not_registered' });
  expect(await ask(defaultRoute(dependencies), 'hello')).toMatchObject({ code: 'invalid_json' });
  expect(await ask(ping, '{"action":"ping"}')).toMatchObject({ type: 'pong' });
  expect(answers).toEqual([
    ['c1=', 'alice', 'invalid_frame'],
    ['c1=', 'alice', 'not_registered'],
    ['c1=', 'alice', 'invalid_json'],
    ['c1=', 'alice', undefined],
  ]);
});

test('an answer that cannot be noted is a failure, and told to the operator', async () => {
  noteAnswer = () => Promise.reject(new Error('no table'));
  expect(await ask(ping, 'hello')).toMatchObject({ type: 'error', code: 'internal' });
  expect(lines).toMatchObject([{ outcome: 'internal', error: { message: 'no table' }, metrics: { Errors: 1 } }]);
});

test('the operator gets all of an unexpected failure, the client nothing', async () => {
  const failing = messageRoute('ping', dependencies, () => Promise.reject(new Error('table credentials leaked here')));
  const reply = await ask(failing, '{"action":"ping","id":"p1"}');
  expect(reply).toMatchObject({ type: 'error', id: 'p1', code: 'internal', retryable: true });
  expect(JSON.stringify(reply)).not.toContain('leaked');
  expect(lines[0]).toMatchObject({ outcome: 'internal', error: { message: 'table credentials leaked here' } });
});

test.each([
  [{}],
  [{ ...IDENTITY, userId: '' }],
  [{ ...IDENTITY, tokenExpiresAt: 'x' }],
  [{ ...IDENTITY, capability: '{"rooms":[]}' }],
  [{ userId: 'alice', tokenExpiresAt: '1800003600' }],
])('an event without an identity is a failure of the installation: %j', async (authorizer) => {
  expect(await ask(ping, '{"action":"ping"}', authorizer)).toMatchObject({ code: 'internal' });
  expect(lines[0]?.error?.message).toContain('no identity');
});

const SEND_ONE = `send one of ${Object.keys(CLIENT_FRAMES).join(', ')}`;

test.each([
  ['hello', 'invalid_json', 'The frame is not JSON. Send one JSON object per text frame.'],
  ['', 'invalid_json', 'The frame is not JSON. Send one JSON object per text frame.'],
  ['[1]', 'invalid_frame', 'the frame must be a JSON object'],
  ['"register"', 'invalid_frame', 'the frame must be a JSON object'],
  ['{"id":"x1"}', 'invalid_frame', '"action" is required'],
  ['{"action":5}', 'invalid_frame', '"action" must be a string'],
  ['{"action":"fly"}', 'unknown_action', `unknown action "fly": ${SEND_ONE}`],
  ['{"action":"__proto__"}', 'unknown_action', `unknown action "__proto__": ${SEND_ONE}`],
])('$default answers %s with %s', async (body, code, message) => {
  expect(await ask(defaultRoute(dependencies), body)).toMatchObject({ type: 'error', code, message });
});

test('a frame above the size limit is refused, also with an unknown action', async () => {
  const frame = (bytes: number) => `${'{"action":"ping","id":"x1"}'.padEnd(bytes - 1)}\n`;
  expect(await ask(ping, frame(2000))).toMatchObject({ type: 'pong' });
  for (const route of [ping, defaultRoute(dependencies)]) {
    expect(await ask(route, frame(2001))).toMatchObject({
      type: 'error',
      id: 'x1',
      code: 'frame_too_large',
      message: 'the frame takes 2001 bytes; at most 2000 are allowed',
    });
  }
});
