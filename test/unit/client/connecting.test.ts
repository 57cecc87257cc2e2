import { describe, expect, it, vi } from 'vitest';
import { BeckonError } from '../../../client/errors.ts';
import { nextAttempt, startClient } from '../../support/client-session.ts';
import { settle } from '../../support/client-world.ts';

describe('connecting', () => {
  it('offers the version and the token as subprotocols, registers, and is connected', async () => {
    const { world, client, states } = startClient();
    expect(client.state).toEqual({ status: 'connecting' });
    const socket = await world.accept();
    expect(socket).toMatchObject({ url: 'ws://test/prod', protocols: ['beckon.v1', 'bearer.token'] });
    expect(socket.sent).toEqual([{ action: 'register', id: '1', attempt: 0 }]);
    expect(states).toEqual([{ status: 'connected', userId: 'alice', connectionId: 'connection-of-bearer.token' }]);
  });

  it('asks for a fresh token before each attempt and says how many have failed', async () => {
    const getToken = vi.fn(({ failures }: { failures: number }) => `token-${failures}`);
    const { world } = startClient({ getToken });
    await settle();
    world.socket.end();
    await world.advance(1_000);
    world.socket.end();
    await world.advance(2_000);
    expect(world.sockets.map(({ protocols }) => protocols[1])).toEqual([
      'bearer.token-0',
      'bearer.token-1',
      'bearer.token-2',
    ]);
  });

  it('tells when the next attempt will be, and then that it is being made', async () => {
    const { world, states } = startClient();
    await settle();
    world.socket.end();
    const reason = { code: 'connect_failed', message: expect.any(String) };
    expect(states).toEqual([{ status: 'connecting', reason, retryAtMs: world.now() + 500 }]);
    await world.advance(500);
    expect(states.slice(1)).toEqual([{ status: 'connecting', reason }]);
  });

  it('takes an error before the socket is open for the end of the attempt, and one afterwards for none', async () => {
    const { world, client } = startClient();
    await settle();
    world.socket.fail();
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'connect_failed' } });
    await nextAttempt({ world, client });
    const socket = await world.accept();
    socket.fail();
    expect(client.state.status).toBe('connected');
    socket.end(1001);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { closeCode: 1001 } });
  });

  it('gives an attempt up that is not ready within connectTimeoutMs', async () => {
    const { world, client } = startClient({ connectTimeoutMs: 3_000 });
    await settle();
    world.socket.open();
    await world.advance(3_000);
    expect(world.socket.closedWith).toBe('abrupt');
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'connect_timeout' } });
  });

  it('tries again when the server could not register the connection', async () => {
    const { world, client } = startClient();
    await settle();
    world.socket.open();
    world.socket.receive({ message: 'Internal server error', connectionId: 'x', requestId: 'y' });
    await settle();
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'internal' } });
    await world.advance(500);
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('reports what getToken throws, hands over, or does not hand over in time', async () => {
    const answers = [() => Promise.reject(new Error('offline')), () => new Promise<string>(() => {}), () => 'good'];
    const { world, client } = startClient({ getToken: () => answers.shift()?.() ?? 'good', tokenTimeoutMs: 2_000 });
    const errors: BeckonError[] = [];
    client.on('error', (error) => errors.push(error));
    await world.advance(2_000 + 500 + 1_000);
    expect(errors.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'token_failed: getToken failed: offline',
      'token_failed: getToken took longer than 2000 ms.',
    ]);
    expect(errors[0]?.cause).toEqual(new Error('offline'));
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it.each<[string, () => unknown, string]>([
    ['gives nothing', () => undefined, 'getToken must give a JWT, got undefined.'],
    ['gives null', async () => null, 'getToken must give a JWT, got object.'],
    ['gives the response instead', () => ({ token: 'secret' }), 'getToken must give a JWT, got object.'],
    ['gives a list', () => ['secret'], 'getToken must give a JWT, got object.'],
    ['gives an empty string', () => '', 'getToken must give a JWT, got a string that cannot be one.'],
    ['gives an error page', () => '<html>secret', 'getToken must give a JWT, got a string that cannot be one.'],
    ['gives what cannot even be shown', () => Object.create(null), 'getToken must give a JWT, got object.'],
    ['throws', thrower(new Error('no session')), 'getToken failed: no session'],
    ['throws what is no error', thrower('no session'), 'getToken failed: no session'],
    ['throws an error of another call', thrower(new BeckonError('closed')), 'getToken failed: The client was closed.'],
    ['is never done', () => new Promise(() => {}), 'getToken took longer than 2000 ms.'],
  ])('tries again when getToken %s, and says so', async (_, getToken, message) => {
    const { world, client } = startClient({ getToken: getToken as () => string, tokenTimeoutMs: 2_000 });
    const errors: BeckonError[] = [];
    client.on('error', (error) => errors.push(error));
    await world.advance(2_000);
    expect(errors[0]).toMatchObject({ code: 'token_failed', message });
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'token_failed', message } });
    expect(world.sockets).toEqual([]);
    const before = errors.length;
    await world.advance(60_000);
    expect(errors.length).toBeGreaterThan(before);
  });

  it('gives up, for now, a server that speaks another version, and counts what it says', async () => {
    const { world, client } = startClient({ connectTimeoutMs: 3_000 });
    await settle();
    world.socket.open();
    await settle();
    world.socket.receive({ type: 'welcome', id: '1', version: 7 });
    world.socket.receive({ type: 'registered', id: '1', user: 'alice' });
    await world.advance(3_000);
    expect(client.counters.ignoredFrames).toBe(2);
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'connect_timeout' } });
  });

  it('tells getToken that its answer is not wanted any more', async () => {
    let signal: AbortSignal | undefined;
    const { client } = startClient({
      getToken: (request) => {
        signal = request.signal;
        return new Promise<string>(() => {});
      },
    });
    await settle();
    client.close();
    expect(signal?.aborted).toBe(true);
  });

  it('lets getToken close the client', async () => {
    const { world, client } = startClient({
      getToken: () => {
        client.close();
        return 'token';
      },
    });
    await world.advance(60_000);
    expect(client.state.status).toBe('closed');
    expect(world.sockets).toEqual([]);
  });
});

describe('outcomes that end the session', () => {
  it('fails when getToken says that there is no token any more', async () => {
    const { world, client } = startClient({
      getToken: () => Promise.reject(new BeckonError('unauthorized', 'signed out')),
    });
    await world.advance(600_000);
    expect(client.state).toEqual({ status: 'failed', reason: { code: 'unauthorized', message: 'signed out' } });
    expect(world.timers).toBe(0);
  });
});

describe('attempts that are refused', () => {
  it.each([400, 401, 403, 404, 407, 426, 429, 500, 502])(
    'go on after status %i, which is told each time, with waits that grow',
    async (status) => {
      const { world, client } = startClient();
      const errors: unknown[] = [];
      client.on('error', ({ code, httpStatus, message }) => errors.push({ code, httpStatus, message }));
      await settle();
      const waits: number[] = [];
      for (let attempt = 0; attempt < 6; attempt += 1) {
        world.socket.end(1006, `Unexpected server response: ${status}`);
        const reason = { code: 'connect_failed', httpStatus: status };
        expect(client.state).toMatchObject({ status: 'connecting', reason });
        waits.push(await nextAttempt({ world, client }));
      }
      expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000]);
      const message = expect.stringContaining(`The handshake was refused with HTTP status ${status}.`);
      expect(errors).toEqual(Array(6).fill({ code: 'connect_failed', httpStatus: status, message }));
      await world.accept();
      expect(client.state.status).toBe('connected');
    },
  );

  it.each([
    [401, 'unauthorized'],
    [403, 'origin_not_allowed'],
    [400, 'unsupported_version'],
  ])('say what status %i means if it is the server’s', async (status, meaning) => {
    const { world, client } = startClient();
    const messages: string[] = [];
    client.on('error', ({ message }) => messages.push(message));
    await settle();
    world.socket.end(1006, `Unexpected server response: ${status}`);
    expect(messages).toEqual([expect.stringContaining(meaning)]);
  });

  it('go on when the status is not known, as in a browser, and nothing is told but the state', async () => {
    const { world, client } = startClient();
    client.on('error', (error) => expect.unreachable(error.message));
    await settle();
    world.socket.end();
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'connect_failed' } });
    expect(client.state).not.toHaveProperty('reason.httpStatus');
    await nextAttempt({ world, client });
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('go on when the server refuses the registration, which is told', async () => {
    const { world, client } = startClient();
    const errors: string[] = [];
    client.on('error', ({ code, message }) => errors.push(`${code} ${message}`));
    const waits: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await settle();
      world.socket.open();
      world.socket.receive({ type: 'error', id: '1', code: 'unknown_action', message: 'no', retryable: false });
      await settle();
      expect(world.socket.closedWith).toBe('abrupt');
      expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'unknown_action', message: 'no' } });
      waits.push(await nextAttempt({ world, client }));
    }
    expect(waits).toEqual([500, 1_000, 2_000]);
    expect(errors).toEqual(Array(3).fill('unknown_action no'));
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('go on when the token is refused at the registration, and ask for another one each time', async () => {
    const failures: number[] = [];
    const { world, client } = startClient({
      getToken: (request) => {
        failures.push(request.failures);
        return 'token';
      },
    });
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await settle();
      world.socket.open();
      world.socket.receive({ type: 'error', id: '1', code: 'token_expired', message: '', retryable: false });
      await nextAttempt({ world, client });
    }
    expect(failures).toEqual([0, 1, 2, 3, 4]);
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'token_expired' } });
  });
});

function thrower(error: unknown): () => never {
  return () => {
    throw error;
  };
}
