import { request } from 'node:http';
import {
  type ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, test, vi } from 'vitest';
import { createFaults, type FaultPoint } from '../../local/faults.ts';
import { AwsError } from '../../local/service.ts';
import { deferred } from '../support/deferred.ts';
import { eventually } from '../support/eventually.ts';
import { start } from '../support/gateway.ts';
import { rawHandshake } from '../support/handshake.ts';
import { createManualClock } from '../support/manual-clock.ts';

const UNKNOWN_ID = 'JC1dgf9yoAMCK-g=';

const post = (client: ApiGatewayManagementApiClient, ConnectionId: string, Data: string | Buffer = 'hi') =>
  client.send(new PostToConnectionCommand({ ConnectionId, Data }));

const failure = (name: string, httpStatusCode: number) => ({ name, $metadata: { httpStatusCode } });

describe('point 05: connection ids', () => {
  test('point 05: are 16 characters of URL-safe base64 with a trailing =', async () => {
    const { open } = await start();
    const ids = await Promise.all([1, 2, 3].map(async () => (await open()).connectionId));
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{15}=$/);
  });

  test.each([
    '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    'JC1dgf9yoAMCK-g',
    'JC1dgf9yoAMCK/g=',
    'bob',
    'JC1dgf9yoAMCK-g==',
  ])('point 05: the malformed %s is a 400', async (id) => {
    const { management } = await start();
    const expected = { ...failure('BadRequestException', 400), message: `Invalid connectionId: ${id}` };
    await expect(post(management(), id)).rejects.toMatchObject(expected);
  });

  test('point 05: a well-formed unknown one is a 410', async () => {
    const { management } = await start();
    const gone = failure('GoneException', 410);
    await expect(post(management(), UNKNOWN_ID)).rejects.toMatchObject(gone);
    const get = new GetConnectionCommand({ ConnectionId: UNKNOWN_ID });
    await expect(management().send(get)).rejects.toMatchObject(gone);
    const remove = new DeleteConnectionCommand({ ConnectionId: UNKNOWN_ID });
    await expect(management().send(remove)).rejects.toMatchObject(gone);
  });

  test('point 05: until $connect has completed, and after the close, it is a 410', async () => {
    const connected = deferred();
    const gateway = await start({
      functions: { connect: () => connected.promise.then(() => ({ statusCode: 200 })) },
    });
    const client = gateway.connect();
    await eventually(() => gateway.events('connect')).toHaveLength(1);
    const { connectionId } = gateway.events('connect')[0].requestContext;
    const gone = failure('GoneException', 410);
    await expect(post(gateway.management(), connectionId)).rejects.toMatchObject(gone);
    connected.resolve();
    await client.opened;
    await post(gateway.management(), connectionId);
    client.socket.close();
    await eventually(() => gateway.events('disconnect')).toHaveLength(1);
    await expect(post(gateway.management(), connectionId)).rejects.toMatchObject(gone);
  });
});

describe('point 15: @connections', () => {
  test('point 15: POST sends a text message', async () => {
    const { open, management } = await start();
    const client = await open();
    await post(management(), client.connectionId, '{"hello": "wörld"}');
    await post(management(), client.connectionId, Buffer.from('bytes of a text'));
    await post(management(), client.connectionId, 'x'.repeat(131_072));
    expect(await client.next()).toBe('{"hello": "wörld"}');
    expect(await client.next()).toBe('bytes of a text');
    expect(await client.next()).toHaveLength(131_072);
  });

  test('point 15: GET tells when it was connected and last active, and by whom', async () => {
    const { open, management, clock } = await start();
    const { connectionId } = await open({ headers: { 'User-Agent': 'wscat' } });
    clock.advance(1500);
    await post(management(), connectionId);
    clock.advance(1500);
    const answer = await management().send(new GetConnectionCommand({ ConnectionId: connectionId }));
    expect(answer).toMatchObject({
      ConnectedAt: new Date('2024-02-09T18:11:43.000Z'),
      LastActiveAt: new Date('2024-02-09T18:11:44.500Z'),
      Identity: { SourceIp: '127.0.0.1', UserAgent: 'wscat' },
    });
  });

  test('point 15: DELETE closes with 1000 and $disconnect hears of it', async () => {
    const { open, management, events } = await start();
    const { connectionId, closed } = await open();
    const answer = await management().send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
    expect(answer.$metadata.httpStatusCode).toBe(204);
    expect((await closed).code).toBe(1000);
    await eventually(() => events('disconnect')).toHaveLength(1);
    expect(events('disconnect')[0].requestContext).toMatchObject({
      disconnectStatusCode: 1000,
      disconnectReason: 'Connection Closed Normally',
    });
    await expect(post(management(), connectionId)).rejects.toMatchObject(failure('GoneException', 410));
  });

  test.each(['@', '%40'])('point 15: the path may say %sconnections, the id = or %%3D', async (at) => {
    const { open, port } = await start();
    const client = await open();
    for (const id of [client.connectionId, encodeURIComponent(client.connectionId)]) {
      const url = `http://127.0.0.1:${port}/prod/${at}connections/${id}`;
      expect((await fetch(url, { method: 'POST', body: 'hi' })).status).toBe(200);
      expect(await client.next()).toBe('hi');
    }
  });

  test('point 15: a 410 has a header and no body', async () => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}/prod/@connections/${UNKNOWN_ID}`, { method: 'POST' });
    expect(response.status).toBe(410);
    expect(response.headers.get('x-amzn-errortype')).toBe('GoneException');
    expect(await response.text()).toBe('');
  });

  test('point 15: more than 131072 bytes are a 413, and nothing is sent', async () => {
    const { open, management } = await start();
    const client = await open();
    const tooLarge = failure('PayloadTooLargeException', 413);
    await expect(post(management(), client.connectionId, 'x'.repeat(131_073))).rejects.toMatchObject(tooLarge);
    await post(management(), client.connectionId, 'small');
    expect(await client.next()).toBe('small');
  });

  test('point 15: an unknown stage is a 403, and so is another path or method', async () => {
    const { open, management, port } = await start();
    const { connectionId } = await open();
    await expect(post(management('other'), connectionId)).rejects.toMatchObject(failure('ForbiddenException', 403));
    const url = `http://127.0.0.1:${port}/prod/@connections/${UNKNOWN_ID}`;
    expect((await fetch(url, { method: 'PUT' })).status).toBe(403);
    expect((await fetch(`${url}/more`, { method: 'POST' })).status).toBe(403);
  });

  test('point 15: the permission is checked on a resource with a literal {connectionId}', async () => {
    const asked: unknown[] = [];
    const { open, management, apiId } = await start({
      authorize: (principal, action, resourceArn) => {
        asked.push([principal.kind, action, resourceArn]);
        throw new AwsError('AccessDeniedException', 'User: x is not authorized', 403);
      },
    });
    const client = await open();
    const denied = failure('AccessDeniedException', 403);
    await expect(post(management(), client.connectionId)).rejects.toMatchObject(denied);
    const arn = `arn:aws:execute-api:us-east-1:000000000000:${apiId}/prod/POST/@connections/{connectionId}`;
    expect(asked).toEqual([['admin', 'execute-api:ManageConnections', arn]]);
    expect(client.messages).toEqual([]);
  });

  test('point 15: a connection is reached through its own API and stage only', async () => {
    const { open, deploy, port, apiId } = await start();
    const { connectionId } = await open();
    const otherId = await deploy({ stackName: 'Other' });
    const postAs = (host: string) =>
      new Promise<number | undefined>((resolve) => {
        const path = `/prod/@connections/${encodeURIComponent(connectionId)}`;
        request({ port, path, method: 'POST', headers: { host } }, ({ statusCode }) => resolve(statusCode)).end('hi');
      });
    expect(await postAs(`${apiId}.execute-api.us-east-1.amazonaws.com`)).toBe(200);
    expect(await postAs(`${otherId}.execute-api.us-east-1.amazonaws.com`)).toBe(410);
    expect(await postAs('unknown123.execute-api.us-east-1.amazonaws.com')).toBe(403);
    expect(await postAs('127.0.0.1')).toBe(421);
  });

  test('point 15: a client that does not read is a 429 once its buffer is full', async () => {
    const { open, management } = await start();
    const client = await open();
    client.socket.pause();
    const data = 'x'.repeat(128 * 1024);
    const fill = async () => {
      for (let count = 0; count < 1000; count += 1) await post(management(), client.connectionId, data);
    };
    const full = { ...failure('LimitExceededException', 429), message: 'The WebSocket client side buffer is full' };
    await expect(fill()).rejects.toMatchObject(full);
    client.socket.resume();
    const isTaken = () =>
      post(management(), client.connectionId, 'again').then(
        () => true,
        () => false,
      );
    await eventually(isTaken).toBe(true);
    await eventually(() => client.messages.at(-1)).toBe('again');
  });
});

describe('point 16: half-open clients and the limits of an account', () => {
  const posting = (kind: string, delayMs = 0) => ({
    faults: { strike: (point: FaultPoint) => (point === 'post' ? { kind, delayMs } : undefined) },
  });

  test('point 16: a ghost takes posts with 200; nothing gets through any more, either way', async () => {
    let isFirst = true;
    const strike = (point: FaultPoint) => {
      if (point !== 'post' || !isFirst) return undefined;
      isFirst = false;
      return { kind: 'ghost', delayMs: 0 };
    };
    const { open, management, events } = await start({ faults: { strike } });
    const client = await open();
    await post(management(), client.connectionId);
    await post(management(), client.connectionId);
    client.send('hello?');
    client.socket.ping();
    await new Promise((resolve) => client.socket.once('pong', resolve));
    expect(client.messages).toEqual([]);
    expect(events('default')).toEqual([]);
  });

  test.each([
    ['throttle', 'LimitExceededException', 429],
    ['error', 'InternalServerErrorException', 500],
  ])('point 16: a fault %s', async (kind, name, statusCode) => {
    const { open, management } = await start(posting(kind));
    const { connectionId } = await open();
    await expect(post(management(), connectionId)).rejects.toMatchObject(failure(name, statusCode));
  });

  test('point 16: a false 410, whatever is asked of the connection, which lives on', async () => {
    const log = () => undefined;
    const clock = createManualClock();
    const faults = createFaults({ seed: 1, rules: [{ point: 'post', kind: 'false-gone', limit: 3 }] }, { clock, log });
    const { open, management } = await start({ faults });
    const client = await open();
    const input = { ConnectionId: client.connectionId };
    const gone = failure('GoneException', 410);
    await expect(post(management(), client.connectionId)).rejects.toMatchObject(gone);
    await expect(management().send(new DeleteConnectionCommand(input))).rejects.toMatchObject(gone);
    await expect(management().send(new GetConnectionCommand(input))).rejects.toMatchObject(gone);
    await post(management(), client.connectionId);
    expect(await client.next()).toBe('hi');
  });

  test('point 16: the other faults of posts strike posts only', async () => {
    const faults = createFaults(
      { seed: 1, rules: [{ point: 'post', kind: 'error' }] },
      { clock: createManualClock(), log: () => undefined },
    );
    const { open, management } = await start({ faults });
    const { connectionId } = await open();
    const { $metadata } = await management().send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
    expect($metadata.httpStatusCode).toBe(204);
  });

  test('point 16: a post hangs', async () => {
    const { open, management, clock } = await start(posting('hang', 60_000));
    const { connectionId } = await open();
    const settled = vi.fn();
    const posted = post(management(), connectionId).finally(settled);
    posted.catch(() => undefined);
    await expect(post(management(), UNKNOWN_ID)).rejects.toMatchObject(failure('GoneException', 410));
    clock.advance(59_999);
    expect(settled).not.toHaveBeenCalled();
    await eventually(() => {
      clock.advance(60_000);
      return settled.mock.calls.length;
    }).toBe(1);
    await expect(posted).rejects.toMatchObject({ $metadata: { httpStatusCode: 504 } });
  });

  test('point 16: a hanging post does not keep the gateway from closing', async () => {
    const { open, management, gateway } = await start(posting('hang', 60_000));
    const { connectionId } = await open();
    const posted = post(management(), connectionId);
    posted.catch(() => undefined);
    await expect(post(management(), UNKNOWN_ID)).rejects.toMatchObject(failure('GoneException', 410));
    await gateway.close();
    await expect(posted).rejects.toMatchObject({ $metadata: { httpStatusCode: 504 } });
  });

  test('point 16: 500 new connections a second, then 429 before anything is invoked', async () => {
    const { connect, port, clock, invocations } = await start({ routes: { $connect: 'connect' } });
    const attempt = async () => {
      const handshake = rawHandshake(port, '/prod');
      await handshake.answered;
      handshake.socket.destroy();
    };
    for (let batch = 0; batch < 10; batch += 1) await Promise.all(Array.from({ length: 50 }, attempt));
    expect(invocations).toHaveLength(500);
    const refusal = await connect().refused;
    expect(refusal.statusCode).toBe(429);
    expect(JSON.parse(refusal.body)).toMatchObject({ message: 'Too Many Requests' });
    expect(invocations).toHaveLength(500);
    clock.advance(2);
    await connect().opened;
  });

  test('point 16: 10,000 requests a second with a burst of 5,000, shared by messages and posts', async () => {
    const { open, gateway, apiId, clock, invocations } = await start();
    const client = await open();
    const call = () =>
      gateway
        .handle({
          service: 'execute-api',
          principal: { kind: 'admin' },
          method: 'POST',
          host: `${apiId}.execute-api.us-east-1.amazonaws.com`,
          path: `/prod/@connections/${UNKNOWN_ID}`,
          query: new URLSearchParams(),
          headers: {},
          body: Buffer.alloc(0),
        })
        .then(
          ({ statusCode }) => statusCode,
          ({ statusCode }: AwsError) => statusCode,
        );
    const calls = async (count: number) => Promise.all(Array.from({ length: count }, call));
    // The handshake took the first of the 5,000.
    expect(new Set(await calls(4_999))).toEqual(new Set([410]));
    expect(await calls(1)).toEqual([429]);
    client.send('hi');
    expect(JSON.parse(await client.next())).toMatchObject({ message: 'Too Many Requests' });
    expect(invocations).toHaveLength(1);
    clock.advance(1);
    expect(await calls(11)).toEqual([...Array(10).fill(410), 429]);
  });

  // https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html: 2,500 and 1,250 in newer regions.
  test('point 16: another quota: the SDK, a client and a handshake are throttled together', async () => {
    const { open, connect, management, clock } = await start({ requestsPerSecond: 6 });
    const client = await open();
    const post = async () => {
      const command = new PostToConnectionCommand({ ConnectionId: client.connectionId, Data: 'hi' });
      await management().send(command);
    };
    await post();
    await post();
    await expect(post()).rejects.toMatchObject({
      name: 'LimitExceededException',
      $metadata: { httpStatusCode: 429 },
    });
    expect([await client.next(), await client.next()]).toEqual(['hi', 'hi']);
    client.send('hi');
    expect(JSON.parse(await client.next())).toMatchObject({ message: 'Too Many Requests' });
    expect((await connect().refused).statusCode).toBe(429);
    clock.advance(500);
    await Promise.all([post(), post(), post()]);
    await expect(post()).rejects.toMatchObject({ name: 'LimitExceededException' });
  });

  test("point 16: a stage's own limits: 429 at the handshake, a frame for a message", async () => {
    const { connect, open, clock, events } = await start({
      stage: {
        DefaultRouteSettings: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1 },
        RouteSettings: { $connect: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1 } },
      },
    });
    const client = await open();
    expect((await connect().refused).statusCode).toBe(429);
    client.send('one');
    client.send('two');
    expect(JSON.parse(await client.next())).toMatchObject({ message: 'Too Many Requests' });
    clock.advance(1000);
    client.send('three');
    await eventually(() => events('default').map(({ body }) => body)).toEqual(['one', 'three']);
  });
});
