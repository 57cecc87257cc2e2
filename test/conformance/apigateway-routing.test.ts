// biome-ignore-all lint/suspicious/noTemplateCurlyInString: selection expressions look like that.
import { describe, expect, test } from 'vitest';
import { type Deferred, deferred } from '../support/deferred.ts';
import { eventually } from '../support/eventually.ts';
import { outcome, start, type TestFunction } from '../support/gateway.ts';

const errorFrame = (message: string, connectionId: string): RegExp =>
  new RegExp(`^\\{"message": "${message}", "connectionId":"${connectionId}", "requestId":"[\\w-]{15}="\\}$`);

describe('point 08: the route of a message', () => {
  const routes = { $connect: 'connect', $default: 'default', join: 'join', '5': 'five', true: 'yes', null: 'nothing' };

  test.each([
    ['{"action": "join"}', 'join'],
    ['{"action": 5}', 'five'],
    ['{"action": true}', 'yes'],
    ['{"action": null}', 'nothing'],
    ['{"action": "Join"}', 'default'],
    ['{"action": "join "}', 'default'],
    ['{"action": ["join"]}', 'default'],
    ['{"action": {"join": 1}}', 'default'],
    ['{"other": "join"}', 'default'],
    ['{}', 'default'],
    ['"join"', 'default'],
    ['["join"]', 'default'],
    ['null', 'default'],
    ['join', 'default'],
    ['{"action": "join"', 'default'],
    ['', 'default'],
    ['{"action": "$connect"}', 'default'],
    ['{"action": "$disconnect"}', 'default'],
    ['{"action": "$default"}', 'default'],
    ['{"__proto__": {"action": "join"}}', 'default'],
  ])('point 08: %s goes to %s, with its text untouched', async (message, functionName) => {
    const { open, invocations } = await start({ routes });
    const client = await open();
    client.send(message);
    await eventually(() => invocations).toHaveLength(2);
    expect(invocations[1]).toMatchObject({ functionName, event: { body: message } });
  });

  test.each([
    ['${request.body.service}/${request.body.action}', { service: 'chat', action: 'join' }, 'chat/join'],
    ['$request.body.service/$request.body.action', { service: 'chat' }, 'chat/'],
    ['${request.body.meta.kinds[1]}-v2', { meta: { kinds: ['a', 'b'] } }, 'b-v2'],
    ["$request.body['my.action']", { 'my.action': 'x' }, 'x'],
    ['\\$${request.body.price}', { price: 5 }, '$5'],
    ['always', {}, 'always'],
  ])(
    'point 08: the expression %s selects from %j the route %s',
    async (routeSelectionExpression, message, routeKey) => {
      const { open, invocations, apiId } = await start({
        routeSelectionExpression,
        routes: { $connect: 'connect', $default: 'default', [routeKey]: 'selected' },
      });
      const client = await open();
      client.send(message);
      await eventually(() => invocations).toHaveLength(2);
      expect(invocations[1]?.functionName).toBe('selected');
      expect(invocations[1]?.event.requestContext.routeKey).toBe(routeKey);
      expect(invocations[1]?.source.sourceArn).toBe(
        `arn:aws:execute-api:us-east-1:000000000000:${apiId}/prod/${routeKey}`,
      );
    },
  );

  test('point 08: no matching route and no $default is the Forbidden frame, and the socket stays open', async () => {
    const { open, events } = await start({ routes: { $connect: 'connect', join: 'join' } });
    const client = await open();
    client.send('nonsense');
    expect(await client.next()).toMatch(errorFrame('Forbidden', client.connectionId));
    client.send({ action: 'join' });
    await eventually(() => events('join')).toHaveLength(1);
  });
});

describe('point 09: the messages of one connection run concurrently', () => {
  test('point 09: an earlier message does not hold up a later one', async () => {
    const first = deferred();
    const { open } = await start({
      routes: { $connect: 'connect', $default: { function: 'default', twoWay: true } },
      functions: {
        default: async ({ body }) => {
          if (body === 'first') await first.promise;
          else first.resolve();
          return { statusCode: 200, body };
        },
      },
    });
    const client = await open();
    client.send('first');
    client.send('second');
    expect(await client.next()).toMatch(/^(first|second)$/);
    await client.next();
    expect([...client.messages].sort()).toEqual(['first', 'second']);
  });

  test('point 09: a fault hands a message over later than those behind it', async () => {
    const struck: unknown[] = [];
    const { open, events, clock, apiId } = await start({
      faults: {
        strike: (point, subject) => {
          if (point !== 'dispatch') return undefined;
          struck.push(subject);
          return struck.length === 1 ? { kind: 'reorder', delayMs: 200 } : undefined;
        },
      },
    });
    const client = await open();
    client.send('first');
    client.send('second');
    await eventually(() => events('default').map(({ body }) => body)).toEqual(['second']);
    clock.advance(200);
    await eventually(() => events('default').map(({ body }) => body)).toEqual(['second', 'first']);
    const { connectionId } = client;
    expect(struck).toEqual(Array(2).fill({ routeKey: '$default', connectionId, apiId, stage: 'prod' }));
  });
});

describe('point 10: error frames', () => {
  test.each<[string, TestFunction]>([
    ['throws', () => Promise.reject(new Error('secret'))],
    ['times out itself', () => outcome({ kind: 'timeout' })],
    ['may not be invoked', () => outcome({ kind: 'denied' })],
    ['is throttled', () => outcome({ kind: 'throttled' })],
  ])('point 10: a function that %s: Internal server error, and the socket stays open', async (_, handler) => {
    let calls = 0;
    const { open, events } = await start({
      functions: { default: (event) => (calls++ === 0 ? handler(event) : { statusCode: 200 }) },
    });
    const client = await open();
    client.send('hi');
    expect(await client.next()).toMatch(errorFrame('Internal server error', client.connectionId));
    client.send('again');
    await eventually(() => events('default')).toHaveLength(2);
    expect(client.messages).toHaveLength(1);
  });

  test('point 10: the frame carries the request id of its event', async () => {
    const { open, events } = await start({ functions: { default: () => Promise.reject(new Error('boom')) } });
    const client = await open();
    client.send('hi');
    const { requestId } = JSON.parse(await client.next());
    expect(requestId).toBe(events('default')[0].requestContext.requestId);
  });

  test.each([
    ['29 s', undefined, 29_000],
    ["the integration's own timeout", 300, 300],
  ])('point 10: after %s Endpoint request timed out, while the function runs on', async (_, timeoutMs, waitMs) => {
    const finished: Deferred<{ statusCode: number; body: string }> = deferred();
    const { open, events, clock } = await start({
      routes: {
        $connect: 'connect',
        $default: { function: 'default', twoWay: true, ...(timeoutMs !== undefined && { timeoutMs }) },
        ping: { function: 'ping', twoWay: true },
      },
      functions: { default: () => finished.promise, ping: () => ({ statusCode: 200, body: 'pong' }) },
    });
    const client = await open();
    client.send('hi');
    await eventually(() => events('default')).toHaveLength(1);
    clock.advance(waitMs - 1);
    client.send({ action: 'ping' });
    expect(await client.next()).toBe('pong');
    clock.advance(1);
    expect(await client.next()).toMatch(errorFrame('Endpoint request timed out', client.connectionId));
    finished.resolve({ statusCode: 200, body: 'too late' });
    client.send({ action: 'ping' });
    expect(await client.next()).toBe('pong');
  });
});

describe('point 11: what a function returns', () => {
  test.each([
    { statusCode: 200, body: 'x' },
    { statusCode: 301 },
    { statusCode: 401 },
    { statusCode: 501, body: 'x' },
    undefined,
    'x',
  ])('point 11: on a one-way route %j is ignored', async (payload) => {
    const { open } = await start({
      routes: { $connect: 'connect', $default: 'default', ping: { function: 'ping', twoWay: true } },
      functions: { default: () => payload, ping: () => ({ statusCode: 200, body: 'pong' }) },
    });
    const client = await open();
    client.send('hi');
    client.send({ action: 'ping' });
    expect(await client.next()).toBe('pong');
    expect(client.messages).toEqual(['pong']);
  });

  // https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html: no binary reply
  // of a proxy integration is documented.
  test('point 11: a body that is marked as base64 goes as it is, too, with a warning', async () => {
    const { open, log } = await start({
      routes: { $connect: 'connect', $default: { function: 'default', twoWay: true } },
      functions: { default: () => ({ statusCode: 200, body: 'aGk=', isBase64Encoded: true }) },
    });
    const client = await open();
    client.send('hi');
    expect(await client.next()).toBe('aGk=');
    expect(log.map(({ message }) => message)).toContain(
      '$default marks its response as base64, and the client gets the base64 text: WebSocket APIs send text only',
    );
  });

  test('point 11: on a two-way route the body goes to the client as it is', async () => {
    const body = '{ "spaces":  "kept", "ümlaut": true }';
    const { open } = await start({
      routes: { $connect: 'connect', $default: { function: 'default', twoWay: true } },
      functions: { default: () => ({ statusCode: 201, body }) },
    });
    const client = await open();
    client.send('hi');
    expect(await client.next()).toBe(body);
  });

  test.each([
    { statusCode: 400, body: 'x' },
    { statusCode: 301 },
    { body: 'x' },
    { statusCode: 200, body: { a: 1 } },
    undefined,
    'x',
  ])('point 11: on a two-way route %j is an Internal server error', async (payload) => {
    const { open } = await start({
      routes: { $connect: 'connect', $default: { function: 'default', twoWay: true } },
      functions: { default: () => payload },
    });
    const client = await open();
    client.send('hi');
    expect(await client.next()).toMatch(errorFrame('Internal server error', client.connectionId));
  });

  test.each(['RouteResponseSelectionExpression', 'RouteResponse'] as const)(
    'point 11: a route with only one half of a response, the %s, is one-way',
    async (half) => {
      const { open } = await start({
        routes: {
          $connect: 'connect',
          $default: { function: 'default', twoWay: half },
          ping: { function: 'ping', twoWay: true },
        },
        functions: { default: () => ({ statusCode: 200, body: 'x' }), ping: () => ({ statusCode: 200, body: 'pong' }) },
      });
      const client = await open();
      client.send('hi');
      client.send({ action: 'ping' });
      expect(await client.next()).toBe('pong');
    },
  );
});

describe('point 18: a response that is larger than a message may be', () => {
  const MOST = 128 * 1024;

  test.each([
    ['x', MOST],
    ['漢', Math.floor(MOST / 3)],
  ])('point 18: of %s does not reach the client; the largest does', async (character, count) => {
    const { open, log } = await start({
      routes: { $connect: 'connect', $default: { function: 'default', twoWay: true } },
      functions: { default: ({ body }) => ({ statusCode: 200, body: character.repeat(Number(body)) }) },
    });
    const client = await open();
    client.send(String(count));
    expect(await client.next()).toBe(character.repeat(count));
    client.send(String(count + 1));
    expect(await client.next()).toMatch(errorFrame('Internal server error', client.connectionId));
    const bytes = Buffer.byteLength(character) * (count + 1);
    expect(log.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      `The response of $default has ${bytes} bytes; a message may have ${MOST}`,
    ]);
    client.send('1');
    expect(await client.next()).toBe(character);
  });
});
