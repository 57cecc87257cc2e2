import { expect, test } from 'vitest';
import { answerHandshake, type Handshake } from '../../../../server/auth/handshake.ts';
import { connectionOf, REFUSED_CONTEXT, toContext } from '../../../../server/connections/connection.ts';

const CHOSEN = { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'beckon.v1' } };

/** As API Gateway has it: every line in one map, the last one in the other. */
const offering = (lines: readonly string[], name = 'Sec-WebSocket-Protocol'): Handshake => ({
  headers: { [name]: lines.at(-1) ?? '' },
  multiValueHeaders: { [name]: lines },
});

test.each([
  [['beckon.v1']],
  [['beckon.v1, bearer.a.b.c']],
  [['bearer.a.b.c,beckon.v1']],
  [['beckon.v2,  beckon.v1 ']],
  [['beckon.v1', 'bearer.a.b.c']],
  [['bearer.a.b.c', 'beckon.v1']],
  [['beckon.v1', '']],
  [[' ,beckon.v1,,', 'bearer.a.b.c,']],
])('chooses beckon.v1 out of %j, and never echoes a token', (lines) => {
  expect(answerHandshake(offering(lines))).toEqual(CHOSEN);
  expect(answerHandshake(offering(lines, 'sec-websocket-PROTOCOL'))).toEqual(CHOSEN);
});

test('reads two headers that differ in their casing as one', () => {
  const multiValueHeaders = { 'Sec-WebSocket-Protocol': ['beckon.v1'], 'sec-websocket-protocol': ['bearer.a.b.c'] };
  expect(answerHandshake({ multiValueHeaders })).toEqual(CHOSEN);
});

test('reads the map of last lines where there is no other', () => {
  expect(answerHandshake({ headers: { 'sec-websocket-protocol': 'beckon.v1' } })).toEqual(CHOSEN);
});

test('a client that offers nothing is taken as it is', () => {
  expect(answerHandshake({ headers: { Host: 'example.com' } })).toEqual({ statusCode: 200 });
  expect(answerHandshake({ headers: null, multiValueHeaders: null })).toEqual({ statusCode: 200 });
});

test.each(['beckon.v2', 'BECKON.V1', 'bearer.a.b.c', ''])(
  'a client that offers only %j speaks another version',
  (offered) => {
    expect(answerHandshake(offering([offered]))).toEqual({ statusCode: 400 });
  },
);

test('whom the authorizer has let through to be refused gets 429, whatever they offer', () => {
  const requestContext = { authorizer: REFUSED_CONTEXT };
  expect(answerHandshake({ requestContext })).toEqual({ statusCode: 429 });
  expect(answerHandshake({ ...offering(['beckon.v1']), requestContext })).toEqual({ statusCode: 429 });
  const context = toContext({ userId: 'rate_limited', tokenExpiresAt: 1_800_000_000, capability: {} });
  expect(answerHandshake({ requestContext: { authorizer: context } })).toEqual({ statusCode: 200 });
});

test('a connection of somebody who was to be refused has no identity', () => {
  const requestContext = { connectionId: 'c1=', routeKey: 'ping', requestId: 'r1=', authorizer: REFUSED_CONTEXT };
  expect(() => connectionOf({ requestContext })).toThrow('no identity');
});
