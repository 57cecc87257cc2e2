import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { holdSocket } from '../../../../local/apigateway/held-socket.ts';
import { eventually } from '../../../support/eventually.ts';
import { socketPair } from '../../../support/socket-pair.ts';

const sockets: Socket[] = [];

async function hold(head = '') {
  const [near, far] = await socketPair();
  sockets.push(near, far);
  far.on('error', () => undefined);
  return { near, far, held: holdSocket(near, Buffer.from(head)) };
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

test('keeps what the client sends early, and hands it over with the paused socket', async () => {
  const { near, far, held } = await hold('head ');
  far.write('and body');
  await eventually(() => near.bytesRead).toBe(8);
  const released = held.release();
  expect(released.head.toString()).toBe('head and body');
  expect(released.socket).toBe(near);
  expect(near.isPaused()).toBe(true);
  expect(near.listenerCount('data') + near.listenerCount('error')).toBe(0);
});

test.each<[string, (far: Socket) => void]>([
  ['ends', (far) => far.end()],
  ['resets', (far) => far.resetAndDestroy()],
  ['vanishes', (far) => far.destroy()],
])('is gone when the client %s', async (_, leave) => {
  const { near, far, held } = await hold();
  leave(far);
  await once(held.gone, 'abort');
  expect(near.destroyed).toBe(true);
  held.reject(403, {}, '');
});

test('cuts off a client that sends more than a message without waiting', async () => {
  const { far, held } = await hold('x');
  far.write(Buffer.alloc(128 * 1024));
  await once(held.gone, 'abort');
});

test('a client that sends as much as a message is not cut off', async () => {
  const { near, far, held } = await hold();
  far.write(Buffer.alloc(128 * 1024));
  await eventually(() => near.bytesRead).toBe(128 * 1024);
  expect(held.gone.aborted).toBe(false);
});

test('rejects with an HTTP response and closes', async () => {
  const { near, far, held } = await hold();
  held.reject(403, { 'X-Why': 'because' }, '{"ü": 1}');
  const chunks = await far.toArray();
  expect(Buffer.concat(chunks).toString()).toBe(
    'HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{"ü": 1}',
  );
  if (!near.destroyed) await once(near, 'close');
  expect(held.gone.aborted).toBe(false);
});
