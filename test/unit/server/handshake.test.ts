import { expect, test } from 'vitest';
import { chooseSubprotocol, type Handshake } from '../../../server/handshake.ts';

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
  expect(chooseSubprotocol(offering(lines))).toEqual(CHOSEN);
  expect(chooseSubprotocol(offering(lines, 'sec-websocket-PROTOCOL'))).toEqual(CHOSEN);
});

test('reads two headers that differ in their casing as one', () => {
  const multiValueHeaders = { 'Sec-WebSocket-Protocol': ['beckon.v1'], 'sec-websocket-protocol': ['bearer.a.b.c'] };
  expect(chooseSubprotocol({ multiValueHeaders })).toEqual(CHOSEN);
});

test('reads the map of last lines where there is no other', () => {
  expect(chooseSubprotocol({ headers: { 'sec-websocket-protocol': 'beckon.v1' } })).toEqual(CHOSEN);
});

test('a client that offers nothing is taken as it is', () => {
  expect(chooseSubprotocol({ headers: { Host: 'example.com' } })).toEqual({ statusCode: 200 });
  expect(chooseSubprotocol({ headers: null, multiValueHeaders: null })).toEqual({ statusCode: 200 });
});

test.each(['beckon.v2', 'BECKON.V1', 'bearer.a.b.c', ''])(
  'a client that offers only %j speaks another version',
  (offered) => {
    expect(chooseSubprotocol(offering([offered]))).toEqual({ statusCode: 400 });
  },
);
