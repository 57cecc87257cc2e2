import { describe, expect, it, vi } from 'vitest';
import { BeckonError } from '../../../client/errors.ts';
import type { Message } from '../../../protocol/index.ts';
import { connectClient, startClient } from '../../support/client-session.ts';

function message(id: string, from: Message['from'] = { user: 'bob' }): Message {
  return { id, serial: `serial-${id}`, from, to: { user: 'alice' }, data: `data of ${id}`, sentAt: 1 };
}

function push(...ids: string[]) {
  return { type: 'messages', messages: ids.map((id) => message(id)) };
}

describe('messages', () => {
  it('reach every listener as they are, in order', async () => {
    const { client, socket } = await connectClient();
    const first = vi.fn();
    const second = vi.fn();
    client.on('message', first);
    client.on('message', second);
    socket.receive(push('1', '2'));
    expect(first.mock.calls).toEqual([[message('1')], [message('2')]]);
    expect(second.mock.calls).toEqual(first.mock.calls);
  });

  it('are handed on once, whichever connection they come over', async () => {
    const { world, client, socket } = await connectClient();
    const ids: string[] = [];
    client.on('message', ({ id }) => ids.push(id));
    socket.receive(push('1', '2', '1'));
    socket.end();
    await world.advance(500);
    (await world.accept()).receive(push('2', '3'));
    expect(ids).toEqual(['1', '2', '3']);
    expect(client.counters).toEqual({ connections: 2, duplicates: 2, ignoredFrames: 0 });
  });

  it('of a connection that has ended are too late', async () => {
    const { world, client, socket } = await connectClient();
    const listener = vi.fn();
    client.on('message', listener);
    socket.end();
    socket.receive(push('1'));
    await world.advance(500);
    const next = await world.accept();
    client.close();
    next.receive(push('2'));
    expect(listener).not.toHaveBeenCalled();
  });

  it('are the same only if the sender is', async () => {
    const { client, socket } = await connectClient();
    const senders: unknown[] = [];
    client.on('message', ({ from }) => senders.push(from));
    const messages = [message('1'), message('1', { user: 'carol' }), message('1', { service: 'bob' })];
    socket.receive({ type: 'messages', messages });
    expect(senders).toEqual([{ user: 'bob' }, { user: 'carol' }, { service: 'bob' }]);
  });

  it('stop reaching a listener that was removed, or whose signal aborted', async () => {
    const { client, socket } = await connectClient();
    const controller = new AbortController();
    const listeners = [vi.fn(), vi.fn(), vi.fn()] as const;
    const off = client.on('message', listeners[0]);
    client.on('message', listeners[1], { signal: controller.signal });
    client.on('message', listeners[2]);
    socket.receive(push('1'));
    off();
    controller.abort();
    client.on('message', listeners[1], { signal: controller.signal });
    socket.receive(push('2'));
    expect(listeners.map((listener) => listener.mock.calls.length)).toEqual([1, 1, 2]);
  });

  it('do not suffer from a listener that throws, whose error the runtime reports', async () => {
    const { client, socket } = await connectClient();
    const reports: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (report: () => void) => reports.push(report));
    const seen = vi.fn();
    client.on('message', () => {
      throw new Error('from a listener');
    });
    client.on('message', seen);
    socket.receive(push('1', '2'));
    vi.unstubAllGlobals();
    expect(seen).toHaveBeenCalledTimes(2);
    expect(reports).toHaveLength(2);
    for (const report of reports) expect(report).toThrow('from a listener');
  });
});

describe('frames that the client cannot use', () => {
  it.each([
    ['text that is not JSON', 'nonsense'],
    ['JSON that is not an object', '[]'],
    ['an object without a type', '{"connectionId":"x"}'],
    ['a type of a later version', '{"type":"rumour","users":[]}'],
    ['a type that every object has', '{"type":"constructor"}'],
    ['messages that are none', '{"type":"messages","messages":"x"}'],
    ['a message without a sender', '{"type":"messages","messages":[{"id":"1","serial":"1"}]}'],
    ['a message to nobody', '{"type":"messages","messages":[{"id":"1","serial":"1","from":{"user":"bob"}}]}'],
    ['a message without a serial', '{"type":"messages","messages":[{"id":"1","from":{"user":"bob"}}]}'],
    ['a pong without messages', '{"type":"pong","id":"1"}'],
    ['an empty page with more to come', '{"type":"pong","id":"1","messages":[],"more":true}'],
    ['an ack without results', '{"type":"ack","id":"1"}'],
    ['a binary frame', new ArrayBuffer(4)],
  ])('are ignored and counted: %s', async (_, data) => {
    const { client, socket } = await connectClient();
    const listener = vi.fn();
    client.on('message', listener);
    client.on('error', listener);
    socket.receiveRaw(data);
    socket.receive(push('1'));
    expect(client.counters.ignoredFrames).toBe(1);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('are told as an error when the server complains about no frame in particular', async () => {
    const { client, socket } = await connectClient();
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    socket.receive({ type: 'error', code: 'invalid_json', message: 'The frame is not JSON.', retryable: false });
    expect(errors).toMatchObject([{ name: 'BeckonError', code: 'invalid_json', message: 'The frame is not JSON.' }]);
    expect(client.state.status).toBe('connected');
  });

  it('do no harm when they answer what nobody asked', async () => {
    const { client, socket } = await connectClient();
    socket.receive({ type: 'ack', id: '77', results: [] });
    socket.receive({ type: 'error', id: '77', code: 'internal', message: '', retryable: true });
    expect(client.state.status).toBe('connected');
  });
});

describe('iterating over messages', () => {
  it('takes what has come and waits for what comes', async () => {
    const { client, socket } = await connectClient();
    const messages = client.messages();
    socket.receive(push('1', '2'));
    expect((await messages.next()).value).toEqual(message('1'));
    expect((await messages.next()).value).toEqual(message('2'));
    const next = messages.next();
    socket.receive(push('3'));
    expect((await next).value).toEqual(message('3'));
  });

  it('ends when the client is closed, after what has come', async () => {
    const { client, socket } = await connectClient();
    const ids: string[] = [];
    const loop = (async () => {
      for await (const { id } of client.messages()) ids.push(id);
    })();
    socket.receive(push('1', '2'));
    client.close();
    await loop;
    expect(ids).toEqual(['1', '2']);
    expect(await client.messages().next()).toEqual({ done: true, value: undefined });
  });

  it('ends when its signal aborts, or the loop is left', async () => {
    const { client, socket } = await connectClient();
    const controller = new AbortController();
    const waiting = client.messages({ signal: controller.signal }).next();
    controller.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect((await client.messages({ signal: controller.signal }).next()).done).toBe(true);

    const messages = client.messages();
    socket.receive(push('1', '2'));
    for await (const { id } of messages) {
      expect(id).toBe('1');
      break;
    }
    expect((await messages.next()).done).toBe(true);
  });

  it('throws when the session fails', async () => {
    const { client } = startClient({ getToken: () => Promise.reject(new BeckonError('unauthorized')) });
    const next = client.messages().next();
    await expect(next).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('says so rather than dropping messages when the loop is too slow', async () => {
    const { client, socket } = await connectClient();
    const messages = client.messages({ maxBuffered: 2 });
    socket.receive(push('1', '2', '3'));
    socket.receive(push('4'));
    expect((await messages.next()).value).toEqual(message('1'));
    expect((await messages.next()).value).toEqual(message('2'));
    await expect(messages.next()).rejects.toMatchObject({ code: 'slow_consumer' });
    expect((await messages.next()).done).toBe(true);
  });
});

describe('wrong arguments', () => {
  it('are refused by name', async () => {
    const { client } = await connectClient();
    expect(() => client.on('massage' as 'message', () => {})).toThrow(
      /^on: there is no event "massage"; there are message, .*, error$/,
    );
    expect(() => client.on('message', 'x' as never)).toThrow('on: the listener must be a function, got string');
    expect(() => client.on('message', () => {}, { once: true } as object)).toThrow('on: unknown option "once"');
    expect(() => client.messages({ maxBuffered: 0 })).toThrow(
      'messages: "maxBuffered" must be an integer above 0, got 0',
    );
    expect(() => client.messages({ signal: 'x' as never })).toThrow(
      'messages: "signal" must be an AbortSignal, got "x"',
    );
  });
});
