import { expect, test } from 'vitest';
import { chooseSubprotocol } from '../../../server/handshake.ts';

test.each(['beckon.v1', 'beckon.v1, bearer.a.b.c', 'bearer.a.b.c,beckon.v1', 'beckon.v2,  beckon.v1 '])(
  'chooses beckon.v1 out of %j, and never echoes a token',
  (offered) => {
    expect(chooseSubprotocol({ 'sec-websocket-PROTOCOL': offered })).toEqual({
      statusCode: 200,
      headers: { 'Sec-WebSocket-Protocol': 'beckon.v1' },
    });
  },
);

test('a client that offers nothing is taken as it is', () => {
  expect(chooseSubprotocol({ Host: 'example.com' })).toEqual({ statusCode: 200 });
});

test.each(['beckon.v2', 'bearer.a.b.c', ''])('a client that offers only %j speaks another version', (offered) => {
  expect(chooseSubprotocol({ 'Sec-WebSocket-Protocol': offered })).toEqual({ statusCode: 400 });
});
