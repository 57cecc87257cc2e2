import { expect, it, vi } from 'vitest';
import { openTransport } from '../../../client/connection/transport.ts';
import { ClientWorld } from '../../support/client-world.ts';

function open() {
  const world = new ClientWorld();
  const handlers = { onOpen: vi.fn(), onText: vi.fn(), onEnd: vi.fn() };
  const transport = openTransport(world, 'ws://test/prod', ['beckon.v1'], handlers);
  return { transport, handlers, socket: world.socket };
}

it('ends once, with what is known, and is silent afterwards', () => {
  const { handlers, socket } = open();
  socket.end(1006, 'Unexpected server response: 403');
  socket.receiveRaw('late');
  socket.end(1001);
  expect(handlers.onEnd.mock.calls).toEqual([[{ opened: false, closeCode: 1006, httpStatus: 403 }]]);
  expect(handlers.onText).not.toHaveBeenCalled();
});

it('tells text from binary frames, and a close code from none', () => {
  const { handlers, socket } = open();
  socket.open();
  socket.receiveRaw('text');
  socket.receiveRaw(new ArrayBuffer(1));
  socket.end(1001);
  expect(handlers.onText.mock.calls).toEqual([['text'], [undefined]]);
  expect(handlers.onEnd.mock.calls).toEqual([[{ opened: true, closeCode: 1001 }]]);
});

it.each(['close', 'terminate'] as const)('says nothing more after %s', (how) => {
  const { transport, handlers, socket } = open();
  socket.open();
  transport[how]();
  expect(socket.closedWith).toBe(how === 'close' ? 1000 : 'abrupt');
  socket.receiveRaw('late');
  socket.fail('late');
  socket.end(1000);
  expect(handlers.onText).not.toHaveBeenCalled();
  expect(handlers.onEnd).not.toHaveBeenCalled();
});
