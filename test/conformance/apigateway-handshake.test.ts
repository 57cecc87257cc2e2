import { get } from 'node:http';
import { describe, expect, test } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { eventually } from '../support/eventually.ts';
import { outcome, start, type TestFunction, type TestGateway } from '../support/gateway.ts';
import { rawHandshake } from '../support/handshake.ts';

const allow =
  (context?: Record<string, unknown>): TestFunction =>
  ({ methodArn }) => ({
    principalId: 'bob',
    policyDocument: { Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }] },
    ...(context && { context }),
  });

describe('point 01: the upgrade is held until the authorizer and $connect have finished', () => {
  test('point 01: nothing is answered before', async () => {
    const authorized = deferred();
    const connected = deferred();
    const { port, invocations } = await start({
      authorizer: { function: 'authorize' },
      functions: {
        authorize: async (event) => {
          await authorized.promise;
          return allow()(event);
        },
        connect: () => connected.promise.then(() => ({ statusCode: 200 })),
      },
    });
    const handshake = rawHandshake(port, '/prod');
    await eventually(() => invocations.map(({ functionName }) => functionName)).toEqual(['authorize']);
    expect(handshake.received()).toBe('');
    authorized.resolve();
    await eventually(() => invocations.map(({ functionName }) => functionName)).toEqual(['authorize', 'connect']);
    expect(handshake.received()).toBe('');
    connected.resolve();
    await eventually(() => handshake.received()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    handshake.socket.destroy();
  });

  test('point 01: a refusal is an HTTP response, and the client never sees an open socket', async () => {
    const { connect, port } = await start({ functions: { connect: () => ({ statusCode: 403 }) } });
    const refusal = await connect().refused;
    expect(refusal.statusCode).toBe(403);
    expect(refusal.headers).toMatchObject({
      'content-type': 'application/json',
      'x-amzn-errortype': 'ForbiddenException',
    });
    expect(refusal.body).toMatch(/^\{"message": "Forbidden", "connectionId":"[\w-]{15}=", "requestId":"[\w-]{15}="\}$/);
    expect(await rawHandshake(port, '/prod').ended).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  });

  test('point 01: frames that a client sends early wait for the connection to open', async () => {
    const connected = deferred();
    const { port, events } = await start({
      functions: { connect: () => connected.promise.then(() => ({ statusCode: 200 })) },
    });
    const { socket } = rawHandshake(port, '/prod', { early: Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]) });
    await eventually(() => events('connect')).toHaveLength(1);
    expect(events('default')).toEqual([]);
    connected.resolve();
    await eventually(() => events('default')).toMatchObject([{ body: 'hi' }]);
    socket.destroy();
  });

  test('point 01: a client that leaves while the authorizer runs is never connected', async () => {
    const authorized = deferred();
    const { port, events, log } = await start({
      authorizer: { function: 'authorize' },
      functions: { authorize: (event) => authorized.promise.then(() => allow()(event)) },
      stage: { AccessLogSettings: { DestinationArn: 'arn', Format: '$context.requestId $context.status' } },
    });
    const { socket, ended } = rawHandshake(port, '/prod');
    await eventually(() => events('authorize')).toHaveLength(1);
    socket.end();
    await ended;
    authorized.resolve();
    await eventually(() => log.map(({ message }) => message)).toEqual([expect.stringMatching(/ 499$/)]);
    expect(events('connect')).toEqual([]);
  });

  test('point 01: a client that leaves while $connect runs gets its $disconnect', async () => {
    const connected = deferred();
    const { port, events, clock } = await start({
      functions: { connect: () => connected.promise.then(() => ({ statusCode: 200 })) },
    });
    const { socket, ended } = rawHandshake(port, '/prod');
    await eventually(() => events('connect')).toHaveLength(1);
    socket.destroy();
    await ended;
    connected.resolve();
    await eventually(() => {
      clock.advance(5_000);
      return events('disconnect');
    }).toMatchObject([{ requestContext: { disconnectStatusCode: 1006 } }]);
  });

  test.each([
    ['Sec-WebSocket-Version: 12', 'Sec-WebSocket-Version must be 13'],
    ['Sec-WebSocket-Key: short', 'Sec-WebSocket-Key is missing or invalid'],
  ])('point 01: a handshake with %s is refused before anything is invoked', async (header, message) => {
    const { port, invocations } = await start();
    const name = header.split(':')[0] ?? '';
    const lines = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
    const webSocketHeaders = [...lines.filter((line) => !line.startsWith(name)), header];
    const handshake = rawHandshake(port, '/prod', { webSocketHeaders });
    expect(await handshake.ended).toContain(`400 Bad Request\r\n`);
    expect(handshake.received()).toContain(message);
    expect(invocations).toEqual([]);
  });

  test('point 01: plain HTTP is answered with 426', async () => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}/prod`);
    expect(response.status).toBe(426);
    expect(response.headers.get('upgrade')).toBe('websocket');
    expect((await fetch(`http://127.0.0.1:${port}/prod/more?a=b`)).status).toBe(426);
    expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404);
  });

  // AWS documents the 403 for unknown paths of an API: https://repost.aws/knowledge-center/api-gateway-troubleshoot-403-forbidden
  test("point 01: plain HTTP to another path of the API's own host is forbidden", async () => {
    const { port, apiId } = await start();
    const status = (path: string) =>
      new Promise((resolve, reject) => {
        const headers = { Host: `${apiId}.execute-api.us-east-1.amazonaws.com` };
        get({ host: '127.0.0.1', port, path, headers }, (response) => resolve(response.resume().statusCode)).on(
          'error',
          reject,
        );
      });
    expect(await status('/prod')).toBe(426);
    expect(await status('/other')).toBe(403);
    expect(await status('/')).toBe(403);
  });

  test('point 01: an unknown stage is forbidden; a trailing slash is not', async () => {
    const { connect, events } = await start();
    expect((await connect({ path: '/staging' }).refused).statusCode).toBe(403);
    expect((await connect({ path: '/prod/more' }).refused).statusCode).toBe(403);
    await connect({ path: '/prod/' }).opened;
    expect(events('connect')).toHaveLength(1);
  });
});

describe('point 02: identity sources and authorizer results', () => {
  const withAuthorizer = (authorize: TestFunction, identitySource?: readonly string[]): Promise<TestGateway> =>
    start({
      authorizer: { function: 'authorize', ...(identitySource && { identitySource }) },
      functions: { authorize },
    });

  test.each([
    ['a missing header', ['route.request.header.Authorization'], {}, ''],
    ['an empty header', ['route.request.header.Authorization'], { Authorization: '' }, ''],
    ['a missing query parameter', ['route.request.querystring.token'], {}, '?Token=x'],
    ['an empty query parameter', ['route.request.querystring.token'], {}, '?token='],
    ['one of two', ['route.request.querystring.token', 'route.request.header.X-Tenant'], {}, '?token=x'],
  ])('point 02: %s is a 401 without an invocation', async (_, identitySource, headers, query) => {
    const { connect, invocations } = await withAuthorizer(allow(), identitySource);
    const refusal = await connect({ path: `/prod${query}`, headers }).refused;
    expect(refusal.statusCode).toBe(401);
    expect(JSON.parse(refusal.body)).toMatchObject({ message: 'Unauthorized' });
    expect(invocations).toEqual([]);
  });

  test('point 02: all identity sources present, the header in another case: the authorizer is asked', async () => {
    const sources = ['route.request.querystring.token', 'route.request.header.X-Tenant'];
    const { connect, events } = await withAuthorizer(allow(), sources);
    await connect({ path: '/prod?token=x', headers: { 'x-tenant': 'acme' } }).opened;
    expect(events('authorize')).toHaveLength(1);
  });

  const policy =
    (...statements: unknown[]): TestFunction =>
    () => ({
      principalId: 'bob',
      policyDocument: { Version: '2012-10-17', Statement: statements },
    });
  const statement = { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: '*' };

  test.each<[string, number, TestFunction]>([
    ['throws Unauthorized', 401, () => Promise.reject(new Error('Unauthorized'))],
    ['denies', 403, policy({ ...statement, Effect: 'Deny' })],
    ['allows and denies', 403, policy(statement, { ...statement, Effect: 'Deny' })],
    ['allows another API', 403, policy({ ...statement, Resource: 'arn:aws:execute-api:*:*:other/*' })],
    ['allows another action', 403, policy({ ...statement, Action: 'execute-api:ManageConnections' })],
    ['throws something else', 500, () => Promise.reject(new Error('database is down'))],
    ['returns nothing', 500, () => undefined],
    ['returns text', 500, () => 'Allow'],
    ['returns no principal', 500, () => ({ policyDocument: { Statement: [statement] } })],
    ['returns no policy', 500, () => ({ principalId: 'bob' })],
    ['returns a simple response', 500, () => ({ isAuthorized: true })],
    ['returns a condition', 500, policy({ ...statement, Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.1' } } })],
    ['returns an object in the context', 500, allow({ roles: ['admin'] })],
    ['returns null in the context', 500, allow({ tenant: null })],
    ['returns more than 8 KB', 500, allow({ token: 'x'.repeat(8192) })],
    ['times out itself', 500, () => outcome({ kind: 'timeout' })],
    ['is throttled', 500, () => outcome({ kind: 'throttled' })],
    ['may not be invoked', 500, () => outcome({ kind: 'denied' })],
  ])('point 02: an authorizer that %s is a %i', async (_, statusCode, authorize) => {
    const { connect, events } = await withAuthorizer(authorize);
    expect((await connect().refused).statusCode).toBe(statusCode);
    expect(events('connect')).toEqual([]);
  });

  test.each([
    'arn:aws:execute-api:us-east-1:000000000000:API/prod/$connect',
    'arn:aws:execute-api:us-east-1:000000000000:API/*',
    'arn:aws:execute-api:*:*:*/prod/$conne?t',
  ])('point 02: an Allow on %s opens the connection', async (resource) => {
    const { connect } = await withAuthorizer(({ requestContext }) =>
      policy({ ...statement, Resource: [resource.replace('API', requestContext.apiId)] })({}),
    );
    await connect().opened;
  });

  test('point 02: the authorizer is asked at every handshake, and as the authorizer it is', async () => {
    const { connect, invocations, apiId } = await withAuthorizer(allow());
    await connect().opened;
    await connect().opened;
    const asked = invocations.filter(({ functionName }) => functionName === 'authorize');
    expect(asked).toHaveLength(2);
    const arn = `arn:aws:execute-api:us-east-1:000000000000:${apiId}`;
    expect(asked[0]?.source).toEqual({
      service: 'apigateway.amazonaws.com',
      sourceArn: expect.stringMatching(new RegExp(`^${arn}/authorizers/[a-z0-9]{7}$`)),
    });
    expect(invocations[1]?.source.sourceArn).toBe(`${arn}/prod/$connect`);
  });

  test('point 02: an authorizer that does not answer in 29 s is a 500', async () => {
    const { connect, events, clock } = await withAuthorizer(() => deferred().promise);
    const { refused } = connect();
    await eventually(() => events('authorize')).toHaveLength(1);
    clock.advance(29_000);
    expect((await refused).statusCode).toBe(500);
  });
});

describe('point 03: what $connect returns', () => {
  test.each([200, 201, 204, '200'])('point 03: %s opens the connection', async (statusCode) => {
    const { connect } = await start({ functions: { connect: () => ({ statusCode }) } });
    await connect().opened;
  });

  test.each([301, 400, 401, 403, 501])(
    'point 03: %i is passed through, but neither body nor headers',
    async (statusCode) => {
      const answer = { statusCode, headers: { Location: 'https://example.com', 'X-Mine': 'y' }, body: 'mine' };
      const { connect } = await start({ functions: { connect: () => answer } });
      const refusal = await connect().refused;
      expect(refusal.statusCode).toBe(statusCode);
      expect(refusal.headers).not.toHaveProperty('location');
      expect(refusal.headers).not.toHaveProperty('x-mine');
      expect(refusal.body).not.toContain('mine');
    },
  );

  test.each<[string, number, TestFunction]>([
    ['throws', 502, () => Promise.reject(new Error('boom'))],
    ['times out itself', 502, () => outcome({ kind: 'timeout' })],
    ['returns nothing', 502, () => undefined],
    ['returns no status', 502, () => ({ body: 'hi' })],
    ['returns a status that is none', 502, () => ({ statusCode: 99 })],
    [
      'returns a header that cannot be one',
      502,
      () => ({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'a\r\nb' } }),
    ],
    ['may not be invoked', 500, () => outcome({ kind: 'denied' })],
    ['is throttled', 500, () => outcome({ kind: 'throttled' })],
  ])('point 03: a $connect that %s is a %i', async (_, statusCode, connectFunction) => {
    const { connect } = await start({ functions: { connect: connectFunction } });
    const refusal = await connect().refused;
    expect(refusal.statusCode).toBe(statusCode);
    expect(JSON.parse(refusal.body)).toMatchObject({ message: 'Internal server error' });
  });

  test('point 03: a $connect that takes longer than its integration waits is a 504', async () => {
    const { connect, events, clock } = await start({
      routes: { $connect: { function: 'connect', timeoutMs: 5000 } },
      functions: { connect: () => deferred().promise },
    });
    const { refused } = connect();
    await eventually(() => events('connect')).toHaveLength(1);
    clock.advance(5000);
    expect((await refused).statusCode).toBe(504);
  });

  test('point 03: without a $connect route everyone is connected', async () => {
    const { connect, events } = await start({ routes: { $default: 'default' } });
    const client = connect();
    await client.opened;
    client.send('hi');
    await eventually(() => events('default')).toHaveLength(1);
  });
});

test('point 03: a $connect route may have an authorizer and no integration: it then decides alone', async () => {
  const isAllowed = (allowed: boolean) => ({
    principalId: 'somebody',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: allowed ? 'Allow' : 'Deny', Resource: '*' }],
    },
  });
  const { connect } = await start({
    routes: { $connect: { function: null }, $default: 'default' },
    authorizer: { function: 'authorizer' },
    functions: { authorizer: (event) => isAllowed(event.headers['x-allow'] === 'yes') },
  });
  await connect({ headers: { 'x-allow': 'yes' } }).opened;
  expect((await connect({ headers: { 'x-allow': 'no' } }).refused).statusCode).toBe(403);
});

describe('point 04: what the 101 carries', () => {
  test('point 04: no subprotocol unless $connect gives one', async () => {
    const { connect, port } = await start();
    const { socket } = connect({ protocols: ['beckon.v1'] });
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toBe('Server sent no subprotocol');
    const handshake = rawHandshake(port, '/prod', { headers: ['Sec-WebSocket-Protocol: beckon.v1'] });
    await eventually(() => handshake.received()).toContain('\r\n\r\n');
    expect(handshake.received()).not.toMatch(/sec-websocket-protocol/i);
    handshake.socket.destroy();
  });

  test.each(['Sec-WebSocket-Protocol', 'sec-websocket-protocol'])(
    'point 04: %s of $connect is returned',
    async (name) => {
      const { connect } = await start({
        functions: { connect: () => ({ statusCode: 200, headers: { [name]: 'beckon.v1', 'X-Mine': 'y' } }) },
      });
      const client = connect({ protocols: ['bearer.abc', 'beckon.v1'] });
      const headers = new Promise((resolve) => client.socket.once('upgrade', (response) => resolve(response.headers)));
      await client.opened;
      expect(client.socket.protocol).toBe('beckon.v1');
      expect(await headers).not.toHaveProperty('x-mine');
    },
  );

  // michalkvasnicak/aws-lambda-graphql#97: on AWS, both kinds of headers returned made the header appear more than once.
  test('point 04: multiValueHeaders of $connect count, and come before headers', async () => {
    const { connect, port } = await start({
      functions: {
        connect: ({ headers }) => ({
          statusCode: 200,
          headers: { 'sec-websocket-protocol': 'other' },
          multiValueHeaders: { 'Sec-WebSocket-Protocol': headers['X-Protocols'].split(',') },
        }),
      },
    });
    const client = connect({ protocols: ['other', 'beckon.v1'], headers: { 'X-Protocols': 'beckon.v1' } });
    await client.opened;
    expect(client.socket.protocol).toBe('beckon.v1');
    const handshake = rawHandshake(port, '/prod', { headers: ['X-Protocols: a,b'] });
    await eventually(() => handshake.received()).toContain('\r\n\r\n');
    expect(handshake.received().match(/Sec-WebSocket-Protocol: \w/g)).toEqual([
      'Sec-WebSocket-Protocol: a',
      'Sec-WebSocket-Protocol: b',
    ]);
    handshake.socket.destroy();
  });

  test('point 04: no extension is negotiated', async () => {
    const { connect, events } = await start();
    const { opened, socket } = connect();
    await opened;
    expect(events('connect')[0].headers['Sec-WebSocket-Extensions']).toContain('permessage-deflate');
    expect(socket.extensions).toBe('');
  });
});
