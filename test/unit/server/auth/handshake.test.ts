import { beforeEach, expect, test } from 'vitest';
import { createConnect, type Handshake } from '../../../../server/auth/handshake.ts';
import { connectionOf, REFUSED_CONTEXT, toContext } from '../../../../server/connections/connection.ts';
import type { LogLine } from '../../../../server/logger.ts';

const lines: LogLine[] = [];
const connect = createConnect({ log: (line) => lines.push(line) });

beforeEach(() => {
  lines.length = 0;
});

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
  expect(connect(offering(lines))).toEqual(CHOSEN);
  expect(connect(offering(lines, 'sec-websocket-PROTOCOL'))).toEqual(CHOSEN);
});

test('reads two headers that differ in their casing as one', () => {
  const multiValueHeaders = { 'Sec-WebSocket-Protocol': ['beckon.v1'], 'sec-websocket-protocol': ['bearer.a.b.c'] };
  expect(connect({ multiValueHeaders })).toEqual(CHOSEN);
});

test('reads the map of last lines where there is no other', () => {
  expect(connect({ headers: { 'sec-websocket-protocol': 'beckon.v1' } })).toEqual(CHOSEN);
});

test('a client that offers nothing may connect', () => {
  expect(connect({ headers: { Host: 'example.com' } })).toEqual({ statusCode: 200 });
  expect(connect({ headers: null, multiValueHeaders: null })).toEqual({ statusCode: 200 });
});

test.each(['beckon.v2', 'BECKON.V1', 'bearer.a.b.c', ''])(
  'a client that offers only %j speaks another version',
  (offered) => {
    expect(connect(offering([offered]))).toEqual({ statusCode: 400 });
  },
);

test('answers 429 where the authorizer says so, whatever the client offers', () => {
  const requestContext = { authorizer: REFUSED_CONTEXT };
  expect(connect({ requestContext })).toEqual({ statusCode: 429 });
  expect(connect({ ...offering(['beckon.v1']), requestContext })).toEqual({ statusCode: 429 });
  const context = toContext({ userId: 'rate_limited', tokenExpiresAt: 1_800_000_000, capability: {} });
  expect(connect({ requestContext: { authorizer: context } })).toEqual({ statusCode: 200 });
});

test('a connection that should have been refused has no identity', () => {
  const requestContext = { connectionId: 'c1=', routeKey: 'ping', requestId: 'r1=', authorizer: REFUSED_CONTEXT };
  expect(() => connectionOf({ requestContext })).toThrow('no identity');
});

test('counts a client of another version as a refused handshake, and one that the authorizer has refused not again', () => {
  const requestContext = { requestId: 'r1=', connectionId: 'c1=' };
  connect({ ...offering(['beckon.v1']), requestContext });
  connect({ requestContext: { ...requestContext, authorizer: REFUSED_CONTEXT } });
  expect(lines).toEqual([]);
  connect({ ...offering(['beckon.v2']), requestContext });
  expect(lines).toEqual([
    { route: '$connect', outcome: 'unsupported_version', ...requestContext, metrics: { HandshakesRefused: 1 } },
  ]);
});
