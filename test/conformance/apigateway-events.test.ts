import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { start, type TestGateway } from '../support/gateway.ts';

const ID = expect.stringMatching(/^[\w-]{15}=$/);
const TRACE_ID = expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/);
/** Where the manual clock starts. */
const EPOCH_MS = Date.UTC(2024, 1, 9, 18, 11, 43);

function context({ apiId }: TestGateway) {
  return {
    extendedRequestId: ID,
    requestTime: '09/Feb/2024:18:11:43 +0000',
    messageDirection: 'IN',
    stage: 'prod',
    connectedAt: EPOCH_MS,
    requestTimeEpoch: EPOCH_MS,
    identity: { sourceIp: '127.0.0.1' },
    requestId: ID,
    domainName: `${apiId}.execute-api.us-east-1.amazonaws.com`,
    connectionId: ID,
    apiId,
  };
}

function multi(values: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));
}

const authorizeBob = ({ methodArn }: { methodArn: string }) => ({
  principalId: 'bob',
  policyDocument: { Statement: { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn } },
  context: { tenant: 'acme', age: 42, isAdmin: false },
});
const AUTHORIZER = { principalId: 'bob', tenant: 'acme', age: '42', isAdmin: 'false' };

describe('point 06: the three event shapes, without helpful extras', () => {
  test('point 06: CONNECT has headers, no body, and no query maps when there is no query', async () => {
    const gateway = await start();
    const { connectionId } = await gateway.open({ headers: { 'X-CuStOm': 'kept', 'x-forwarded-for': '192.0.2.1' } });
    const headers = {
      Host: `127.0.0.1:${gateway.port}`,
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
      'Sec-WebSocket-Key': expect.any(String),
      'Sec-WebSocket-Version': '13',
      'X-Amzn-Trace-Id': TRACE_ID,
      'X-CuStOm': 'kept',
      'X-Forwarded-For': '192.0.2.1, 127.0.0.1',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
    };
    const [event] = gateway.events('connect');
    expect(event).toStrictEqual({
      headers,
      multiValueHeaders: multi(headers),
      requestContext: { routeKey: '$connect', eventType: 'CONNECT', ...context(gateway), connectionId },
      isBase64Encoded: false,
    });
    expect(event.requestContext.requestId).toBe(event.requestContext.extendedRequestId);
  });

  test('point 06: CONNECT has the query, decoded, the last value and all values', async () => {
    const gateway = await start();
    await gateway.connect({ path: '/prod?room=a%20b&room=c&__proto__=x' }).opened;
    const [event] = gateway.events('connect');
    expect(Object.entries(event.queryStringParameters)).toEqual([
      ['room', 'c'],
      ['__proto__', 'x'],
    ]);
    expect(Object.entries(event.multiValueQueryStringParameters)).toEqual([
      ['room', ['a b', 'c']],
      ['__proto__', ['x']],
    ]);
  });

  test('point 06: MESSAGE has neither headers nor a query', async () => {
    const gateway = await start();
    const client = await gateway.open({ headers: { 'User-Agent': 'wscat' } });
    gateway.clock.advance(1000);
    client.send('{"action": "none"}');
    await eventually(() => gateway.events('default')).toHaveLength(1);
    const [event] = gateway.events('default');
    expect(event).toStrictEqual({
      requestContext: {
        routeKey: '$default',
        messageId: ID,
        eventType: 'MESSAGE',
        ...context(gateway),
        requestTime: '09/Feb/2024:18:11:44 +0000',
        requestTimeEpoch: EPOCH_MS + 1000,
        identity: { userAgent: 'wscat', sourceIp: '127.0.0.1' },
        connectionId: client.connectionId,
      },
      body: '{"action": "none"}',
      isBase64Encoded: false,
    });
    const { requestId, messageId } = event.requestContext;
    expect(new Set([client.connectionId, requestId, messageId]).size).toBe(3);
  });

  test('point 06: DISCONNECT has four headers, three of them empty', async () => {
    const gateway = await start();
    const { socket, connectionId } = await gateway.open({ headers: { 'X-Custom': 'gone' } });
    socket.close(4001, 'bye');
    await eventually(() => gateway.events('disconnect')).toHaveLength(1);
    const headers = {
      Host: `${gateway.apiId}.execute-api.us-east-1.amazonaws.com`,
      'x-api-key': '',
      'X-Forwarded-For': '',
      'x-restapi': '',
    };
    expect(gateway.events('disconnect')).toStrictEqual([
      {
        headers,
        multiValueHeaders: multi(headers),
        requestContext: {
          routeKey: '$disconnect',
          disconnectStatusCode: 4001,
          eventType: 'DISCONNECT',
          disconnectReason: 'bye',
          ...context(gateway),
          connectionId,
        },
        isBase64Encoded: false,
      },
    ]);
  });

  test('point 06: an authorizer gets all maps, also the empty ones, and the headers of the upgrade', async () => {
    const gateway = await start({ authorizer: { function: 'authorize' }, functions: { authorize: authorizeBob } });
    await gateway.connect().opened;
    const headers = {
      Connection: 'upgrade',
      'content-length': '0',
      Upgrade: 'websocket',
      Host: `127.0.0.1:${gateway.port}`,
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
      'Sec-WebSocket-Key': expect.any(String),
      'Sec-WebSocket-Version': '13',
      'X-Amzn-Trace-Id': TRACE_ID,
      'X-Forwarded-For': '127.0.0.1',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
    };
    expect(gateway.events('authorize')).toStrictEqual([
      {
        type: 'REQUEST',
        methodArn: `arn:aws:execute-api:us-east-1:000000000000:${gateway.apiId}/prod/$connect`,
        headers,
        multiValueHeaders: multi(headers),
        queryStringParameters: {},
        multiValueQueryStringParameters: {},
        stageVariables: {},
        requestContext: { routeKey: '$connect', eventType: 'CONNECT', ...context(gateway) },
      },
    ]);
    const [asked, connected] = gateway.invocations;
    expect(asked?.event.requestContext.connectionId).toBe(connected?.event.requestContext.connectionId);
  });

  test('point 06: stage variables are in every event of a stage that has some', async () => {
    const gateway = await start({
      authorizer: { function: 'authorize' },
      functions: { authorize: authorizeBob },
      stage: { StageVariables: { table: 'messages' } },
    });
    const client = await gateway.open();
    client.send('hi');
    await eventually(() => gateway.events('default')).toHaveLength(1);
    client.socket.close();
    await eventually(() => gateway.events('disconnect')).toHaveLength(1);
    expect(gateway.invocations.map(({ event }) => event.stageVariables)).toEqual(Array(4).fill({ table: 'messages' }));
  });
});

test("point 07: the authorizer's output is on every later event, flattened, every value a string", async () => {
  const gateway = await start({ authorizer: { function: 'authorize' }, functions: { authorize: authorizeBob } });
  const client = await gateway.open();
  client.send('hi');
  await eventually(() => gateway.events('default')).toHaveLength(1);
  client.socket.close();
  await eventually(() => gateway.events('disconnect')).toHaveLength(1);
  const [asked, ...later] = gateway.invocations.map(({ event }) => event.requestContext);
  expect(asked).not.toHaveProperty('authorizer');
  expect(later.map(({ eventType }) => eventType)).toEqual(['CONNECT', 'MESSAGE', 'DISCONNECT']);
  for (const { authorizer } of later) expect(authorizer).toStrictEqual(AUTHORIZER);
});
