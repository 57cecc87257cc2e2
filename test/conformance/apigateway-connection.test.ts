import { GetConnectionCommand, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { createClock } from '../../local/clock.ts';
import type { Fault, FaultPoint } from '../../local/faults.ts';
import { deferred } from '../support/deferred.ts';
import { eventually } from '../support/eventually.ts';
import { start, type TestGateway } from '../support/gateway.ts';
import { rawHandshake } from '../support/handshake.ts';

const KB = 1024;
const MINUTE_MS = 60_000;

const striking = (point: FaultPoint, fault: Fault) => ({
  faults: { strike: (where: FaultPoint) => (where === point ? fault : undefined) },
});

/** What `$disconnect` was told, once it was. */
async function disconnectOf({ events }: TestGateway): Promise<unknown> {
  await eventually(() => events('disconnect')).toHaveLength(1);
  const { disconnectStatusCode, disconnectReason } = events('disconnect')[0].requestContext;
  return [disconnectStatusCode, disconnectReason];
}

describe('point 12: sizes and binary frames', () => {
  test('point 12: a message of 128 KB in frames of 32 KB arrives whole', async () => {
    const { open, events } = await start();
    const { socket } = await open();
    const part = 'x'.repeat(32 * KB);
    for (const fin of [false, false, false, true]) socket.send(part, { fin });
    await eventually(() => events('default')).toHaveLength(1);
    expect(events('default')[0].body).toHaveLength(128 * KB);
  });

  test.each([
    ['a frame over 32 KB', [32 * KB + 1]],
    ['a frame over 64 KB', [64 * KB + 1]],
    ['a later frame over 32 KB', [10, 32 * KB + 1]],
    ['a message over 128 KB', [32 * KB, 32 * KB, 32 * KB, 32 * KB, 1]],
  ])('point 12: %s closes with 1009, after the messages before it', async (_, sizes) => {
    const gateway = await start();
    const { socket, closed } = await gateway.open();
    socket.send('before');
    for (const [index, size] of sizes.entries()) socket.send('x'.repeat(size), { fin: index === sizes.length - 1 });
    socket.send('after');
    expect((await closed).code).toBe(1009);
    expect(await disconnectOf(gateway)).toEqual([1009, '']);
    expect(gateway.events('default').map(({ body }) => body)).toEqual(['before']);
  });

  test('point 12: the length in a header is enough to close with 1009', async () => {
    const gateway = await start();
    const { socket, ended } = rawHandshake(gateway.port, '/prod');
    await eventually(() => gateway.events('connect')).toHaveLength(1);
    socket.write(Buffer.from([0x81, 0xfe, 0x80, 0x01]));
    expect(Buffer.from(await ended, 'latin1').subarray(-4)).toEqual(Buffer.from([0x88, 0x02, 0x03, 0xf1]));
  });

  test('point 12: a binary frame closes with 1003', async () => {
    const gateway = await start();
    const { socket, closed } = await gateway.open();
    socket.send(Buffer.from('{"action": "hi"}'), { binary: true });
    expect((await closed).code).toBe(1003);
    expect(await disconnectOf(gateway)).toEqual([1003, '']);
    expect(gateway.events('default')).toEqual([]);
  });

  test('point 12: text that is not UTF-8 closes with 1007', async () => {
    const gateway = await start();
    const { socket, closed } = await gateway.open();
    socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await closed).code).toBe(1007);
    expect(await disconnectOf(gateway)).toEqual([1007, '']);
  });
});

describe('point 13: idle for 10 minutes, or 2 hours old', () => {
  test('point 13: an idle connection is closed with 1001 "Going away"', async () => {
    const gateway = await start();
    const { closed } = await gateway.open();
    gateway.clock.advance(10 * MINUTE_MS - 1);
    expect(gateway.events('disconnect')).toEqual([]);
    gateway.clock.advance(1);
    expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
    expect(await disconnectOf(gateway)).toEqual([1001, 'Going away']);
  });

  test('point 13: a message from the client starts the 10 minutes anew', async () => {
    const { open, events, clock } = await start();
    const client = await open();
    clock.advance(9 * MINUTE_MS);
    client.send('hi');
    await eventually(() => events('default')).toHaveLength(1);
    clock.advance(10 * MINUTE_MS - 1);
    expect(events('disconnect')).toEqual([]);
    clock.advance(1);
    expect((await client.closed).code).toBe(1001);
  });

  test('point 13: a message to the client starts them anew, too', async () => {
    const { open, management, events, clock } = await start();
    const { connectionId, closed } = await open();
    clock.advance(9 * MINUTE_MS);
    await management().send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'hi' }));
    clock.advance(10 * MINUTE_MS - 1);
    expect(events('disconnect')).toEqual([]);
    clock.advance(1);
    expect((await closed).code).toBe(1001);
  });

  test('point 13: pings and pongs do not count', async () => {
    const { open, clock } = await start();
    const { socket, closed } = await open();
    clock.advance(9 * MINUTE_MS);
    socket.ping();
    await new Promise((resolve) => socket.once('pong', resolve));
    clock.advance(1 * MINUTE_MS);
    expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
  });

  test('point 13: what a client sends after the close is not heard', async () => {
    const { open, events, clock } = await start();
    const client = await open();
    clock.advance(10 * MINUTE_MS);
    client.send('late');
    await client.closed;
    await eventually(() => events('disconnect')).toHaveLength(1);
    expect(events('default')).toEqual([]);
  });

  test('point 13: a busy connection is closed when it is 2 hours old', async () => {
    const { open, events, clock } = await start();
    const client = await open();
    for (let count = 1; count <= 13; count += 1) {
      clock.advance(9 * MINUTE_MS);
      client.send('busy');
      await eventually(() => events('default')).toHaveLength(count);
    }
    clock.advance(3 * MINUTE_MS - 1);
    expect(events('disconnect')).toEqual([]);
    clock.advance(1);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
  });
});

test('point 13: a clock that runs fast makes 10 minutes short', async () => {
  const { connect, events } = await start({
    clock: createClock(6_000),
    routes: { $disconnect: 'disconnect' },
  });
  expect(await connect().closed).toEqual({ code: 1001, reason: 'Going away' });
  const [{ requestContext }] = events('disconnect');
  expect(requestContext.requestTimeEpoch - requestContext.connectedAt).toBeGreaterThanOrEqual(10 * MINUTE_MS);
});

describe('point 14: $disconnect after every close', () => {
  test.each<[string, (socket: WebSocket) => void, unknown]>([
    ['without a code', (socket) => socket.close(), [1005, 'Client-side close frame status not set']],
    ['with 1000', (socket) => socket.close(1000, 'done'), [1000, 'done']],
    ['with a code of its own', (socket) => socket.close(4000), [4000, '']],
  ])('point 14: closed by the client %s', async (_, close, expected) => {
    const gateway = await start();
    const { socket } = await gateway.open();
    close(socket);
    expect(await disconnectOf(gateway)).toEqual(expected);
  });

  // https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html:
  // "The connection can be closed by the server or by the client": the frame closes it, and TCP may end much later.
  test('point 14: the close frame of a client ends the connection, though TCP goes on', async () => {
    const gateway = await start();
    const { socket, answered } = rawHandshake(gateway.port, '/prod');
    await answered;
    await eventually(() => gateway.events('connect')).toHaveLength(1);
    const { connectionId } = gateway.events('connect')[0].requestContext;
    const post = () =>
      gateway.management().send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'hi' }));
    await eventually(() => post().then(() => true)).toBe(true);
    // It does not notice that the server ends TCP, and so does not end it either.
    socket.pause();
    // FIN, opcode 8; masked, with a mask of zeros; the code 1000.
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    expect(await disconnectOf(gateway)).toEqual([1000, '']);
    await expect(post()).rejects.toMatchObject({ name: 'GoneException', $metadata: { httpStatusCode: 410 } });
    socket.destroy();
  });

  test('point 14: lost without a close frame, it comes late, as 1006', async () => {
    const gateway = await start();
    const { socket, connectionId } = await gateway.open();
    socket.terminate();
    const command = new GetConnectionCommand({ ConnectionId: connectionId });
    const get = () =>
      gateway
        .management()
        .send(command)
        .catch((error: Error) => error);
    await eventually(get).toMatchObject({ name: 'GoneException' });
    gateway.clock.advance(4_999);
    expect(gateway.events('disconnect')).toEqual([]);
    gateway.clock.advance(1);
    expect(await disconnectOf(gateway)).toEqual([1006, '']);
  });

  test('point 14: once, even if both sides close', async () => {
    const gateway = await start();
    const { socket, closed } = await gateway.open();
    gateway.clock.advance(10 * MINUTE_MS);
    socket.close(4000);
    await closed;
    await eventually(() => gateway.events('disconnect')).toHaveLength(1);
    gateway.clock.advance(10 * MINUTE_MS);
    expect(gateway.events('disconnect')).toHaveLength(1);
  });

  test('point 14: a fault drops it', async () => {
    const gateway = await start(striking('disconnect', { kind: 'drop', delayMs: 0 }));
    const { socket, closed } = await gateway.open();
    socket.close();
    await closed;
    gateway.clock.advance(10 * MINUTE_MS);
    await gateway.open();
    expect(gateway.events('disconnect')).toEqual([]);
  });

  test('point 14: a fault delays it', async () => {
    const gateway = await start(striking('disconnect', { kind: 'late', delayMs: MINUTE_MS }));
    const { socket, closed } = await gateway.open();
    socket.close();
    await closed;
    await gateway.open();
    gateway.clock.advance(MINUTE_MS - 1);
    expect(gateway.events('disconnect')).toEqual([]);
    gateway.clock.advance(1);
    expect(await disconnectOf(gateway)).toEqual([1005, 'Client-side close frame status not set']);
  });

  test.each(['in', 'out'])('point 14: a fault cuts the TCP connection at a message %s', async (direction) => {
    const gateway = await start({
      routes: { $connect: 'connect', $disconnect: 'disconnect', $default: { function: 'default', twoWay: true } },
      functions: { default: () => ({ statusCode: 200, body: 'reply' }) },
      faults: {
        strike: (point, subject) =>
          point === 'socket' && subject['direction'] === direction ? { kind: 'cut', delayMs: 0 } : undefined,
      },
    });
    const client = await gateway.open();
    client.send('hi');
    expect((await client.closed).code).toBe(1006);
    expect(client.messages).toEqual([]);
    expect(gateway.events('default')).toHaveLength(direction === 'in' ? 0 : 1);
    gateway.clock.advance(5_000);
    expect(await disconnectOf(gateway)).toEqual([1006, '']);
  });
});

test('point 17: pings are answered, and no function ever hears of them', async () => {
  const { open, invocations } = await start();
  const { socket } = await open();
  const pong = new Promise<string>((resolve) => socket.once('pong', (data) => resolve(data.toString())));
  socket.ping('are you there?');
  expect(await pong).toBe('are you there?');
  socket.pong('unasked');
  socket.send('hi');
  await eventually(() => invocations).toHaveLength(2);
  expect(invocations.map(({ functionName }) => functionName)).toEqual(['connect', 'default']);
});

test('neither an invocation nor a connection leaves a timer behind', async () => {
  const gateway = await start();
  const client = await gateway.open();
  client.send('hi');
  await eventually(() => gateway.events('default')).toHaveLength(1);
  client.socket.close();
  await disconnectOf(gateway);
  await eventually(() => gateway.clock.pending()).toBe(0);
});

describe('shutting down', () => {
  test('closes connections with 1001, refuses held handshakes, and invokes nothing more', async () => {
    const connected = deferred();
    const gateway = await start({
      functions: {
        connect: async ({ queryStringParameters }) => {
          if (queryStringParameters) await connected.promise;
          return { statusCode: 200 };
        },
      },
      stage: { AccessLogSettings: { DestinationArn: 'arn', Format: '$context.eventType $context.requestId' } },
    });
    const { closed } = await gateway.open();
    const held = gateway.connect({ path: '/prod?slow' });
    await eventually(() => gateway.events('connect')).toHaveLength(2);
    await gateway.gateway.close();
    connected.resolve();
    expect((await closed).code).toBe(1001);
    expect((await held.refused).statusCode).toBe(503);
    const logged = () => gateway.log.map(({ message }) => message.split(' ')[0]);
    await eventually(() => logged()).toEqual(['CONNECT', 'CONNECT']);
    expect(gateway.events('disconnect')).toEqual([]);
  });

  test('does not wait for a client that does not answer', async () => {
    const gateway = await start();
    const { socket } = await gateway.open();
    socket.pause();
    await gateway.gateway.close();
  });
});
