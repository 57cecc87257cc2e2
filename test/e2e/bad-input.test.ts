import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { rawHandshake } from '../support/handshake.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';
import { connectClient } from '../support/ws-client.ts';

let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startLocalCloud({
    app: inject('app'),
    port: 0,
    parameters: { Issuer: '{endpointUrl}/_local', AllowedOrigins: 'https://app.example, capacitor://localhost' },
  });
});

afterAll(() => cloud.close());

const bearer = async (claims: Parameters<LocalCloud['token']>[0]) => ({
  Authorization: `Bearer ${await cloud.token(claims)}`,
});

async function device(userId: string): Promise<WireClient> {
  const client = await connectWire(cloud.websocketUrl, { headers: await bearer({ sub: userId }) });
  await client.ask({ action: 'register' });
  return client;
}

describe('frames', () => {
  const long = 'u'.repeat(10 * 1024);
  test.each([
    ['text that is not JSON', 'hello', { code: 'invalid_json' }],
    ['an empty frame', '', { code: 'invalid_json' }],
    ['JSON that is no object', '[1, 2]', { code: 'invalid_frame', message: 'the frame must be a JSON object' }],
    ['no action', '{"id":"f1"}', { code: 'invalid_frame', message: '"action" is required', id: 'f1' }],
    ['an unknown action', '{"action":"fly","id":"f2"}', { code: 'unknown_action', id: 'f2' }],
    [
      'an action that is the name of a lifecycle route',
      '{"action":"$connect","id":"f3"}',
      { code: 'unknown_action', id: 'f3' },
    ],
    [
      'no recipient',
      '{"action":"sendMessage","data":1,"id":"f4"}',
      { code: 'invalid_frame', message: '"to" is required', id: 'f4' },
    ],
    ['a recipient of the wrong shape', '{"action":"sendMessage","to":"bob","data":1}', { code: 'invalid_frame' }],
    [
      'a field that nobody knows',
      '{"action":"ping","pong":1}',
      { code: 'invalid_frame', message: 'unknown field "pong"' },
    ],
    [
      'a __proto__ key',
      '{"action":"ping","__proto__":{"x":1}}',
      { code: 'invalid_frame', message: 'unknown field "__proto__"' },
    ],
    ['a user id of 10 KB', `{"action":"sendMessage","to":{"user":"${long}"},"data":1}`, { code: 'invalid_frame' }],
    [
      'an identity of one’s own choosing',
      '{"action":"sendMessage","from":{"user":"eve"},"to":{"user":"bob"},"data":1}',
      { code: 'invalid_frame', message: 'unknown field "from"' },
    ],
  ])('%s: gets a clear error, and the connection stays open', async (_, text, error) => {
    const client = await device('clumsy');
    client.send(text);
    expect(await client.frame(({ type }) => type === 'error')).toMatchObject({
      type: 'error',
      retryable: false,
      ...error,
    });
    expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
    client.socket.close();
  });

  test('an unregistered connection gets not_registered for every action, and can register after that', async () => {
    const client = await connectWire(cloud.websocketUrl, { headers: await bearer({ sub: 'hasty' }) });
    const refused = { type: 'error', code: 'not_registered', retryable: true };
    expect(await client.ask({ action: 'ping' })).toMatchObject(refused);
    expect(await client.ask({ action: 'sendMessage', to: { user: 'bob' }, data: 1 })).toMatchObject(refused);
    expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
    expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test('a binary frame closes the connection with 1003, as AWS does', async () => {
    const binary = await device('binary');
    binary.socket.send(Buffer.from('{"action":"ping"}'), { binary: true });
    expect((await binary.closed).code).toBe(1003);
  });
});

describe('handshakes', () => {
  const soon = () => Math.floor(Date.now() / 1000);
  const refusal = (url: string, options: Parameters<typeof connectClient>[1]) => connectClient(url, options).refused;
  const unsigned = () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: `${cloud.endpointUrl}/_local`, aud: 'beckon', sub: 'eve', exp: soon() + 600 };
    return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
  };

  test.each<[string, () => Promise<Record<string, string>> | Record<string, string>]>([
    ['no token', () => ({})],
    ['an expired token', () => bearer({ sub: 'eve', exp: soon() - 60 })],
    ['a token for another audience', () => bearer({ sub: 'eve', aud: 'other' })],
    ['a token of another issuer', () => bearer({ sub: 'eve', iss: 'https://evil.example' })],
    ['a token without a signature (alg: none)', () => ({ Authorization: `Bearer ${unsigned()}` })],
    ['a token of a user whose id is too long', () => bearer({ sub: 'u'.repeat(10 * 1024) })],
  ])('%s: refused with 401 before the connection opens', async (_, headers) => {
    expect(await refusal(cloud.websocketUrl, { headers: await headers() })).toMatchObject({ statusCode: 401 });
  });

  test('a token anywhere in the URL is refused, even beside a valid one in the header', async () => {
    const token = await cloud.token({ sub: 'eve' });
    expect(await refusal(`${cloud.websocketUrl}?token=${token}`, {})).toMatchObject({ statusCode: 401 });
    const headers = { Authorization: `Bearer ${token}` };
    const base64 = Buffer.from(token).toString('base64url');
    const json = encodeURIComponent(JSON.stringify({ token }));
    const twice = encodeURIComponent(encodeURIComponent(json));
    const queries = [`access_token=${token}`, token, `t=${token}&t=`, `t=${base64}`, `t=${json}`, `t=${twice}`];
    for (const query of queries) {
      const refused = await refusal(`${cloud.websocketUrl}?${query}`, { headers });
      expect({ query, statusCode: refused.statusCode }).toEqual({ query, statusCode: 401 });
    }
    const client = await connectWire(`${cloud.websocketUrl}?sdk=1.4.2&host=app.example`, { headers });
    expect(await client.ask({ action: 'register' })).toMatchObject({ userId: 'eve' });
  });

  test.each([
    ['the version first', (bearer: string) => ['beckon.v1', bearer]],
    ['the token first', (bearer: string) => [bearer, 'beckon.v1']],
    ['a third one that is empty', (bearer: string) => [bearer, '', ' beckon.v1 ,']],
  ])('the server reads subprotocols in several header lines as one list: %s', async (_, linesOf) => {
    const lines = linesOf(`bearer.${await cloud.token({ sub: 'lines' })}`);
    const { port, pathname } = new URL(cloud.websocketUrl);
    const headers = lines.map((line) => `sec-websocket-protocol: ${line}`);
    const handshake = rawHandshake(Number(port), pathname, { headers });
    await handshake.answered;
    expect(handshake.received()).toMatch(/^HTTP\/1\.1 101 /);
    expect(handshake.received()).toContain('\r\nSec-WebSocket-Protocol: beckon.v1\r\n');
    handshake.socket.destroy();
  });

  test('React Native, whose origin is the address of the API, gets a connection', async () => {
    const [outputs] = Object.values(cloud.outputs);
    const { origin } = new URL(String(outputs?.['CallbackUrl']));
    expect(origin).toMatch(/^https:\/\/\w+\.execute-api\./);
    const headers = { ...(await bearer({ sub: 'native' })), Origin: origin };
    const client = await connectWire(cloud.websocketUrl, { headers });
    expect(await client.ask({ action: 'register' })).toMatchObject({ userId: 'native' });
  });

  test('a page of a forbidden origin gets 403, and a page of an allowed origin gets a connection', async () => {
    const authorization = await bearer({ sub: 'page' });
    const evil = { headers: { ...authorization, Origin: 'https://evil.example' } };
    expect(await refusal(cloud.websocketUrl, evil)).toMatchObject({ statusCode: 403 });
    for (const Origin of ['https://app.example', 'capacitor://localhost']) {
      const client = await connectWire(cloud.websocketUrl, { headers: { ...authorization, Origin } });
      expect(await client.ask({ action: 'register' })).toMatchObject({ userId: 'page' });
    }
  });

  test('an impossible origin fails the start of the application, with the expected form', async () => {
    const start = (AllowedOrigins: string) =>
      startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local', AllowedOrigins } });
    for (const wrong of ['https://app.example/', 'https://a.example,https://*.b.example', 'app.example']) {
      await expect(start(wrong)).rejects.toThrow(
        `"${wrong}" does not match the allowed pattern; expected origins as browsers send them, separated by commas`,
      );
    }
  });

  test('a client that speaks another version gets 400', async () => {
    const headers = await bearer({ sub: 'future' });
    expect(await refusal(cloud.websocketUrl, { headers, protocols: ['beckon.v2'] })).toMatchObject({ statusCode: 400 });
  });

  test('a user who connects too often gets 429; others connect, and the metrics count it, but not as an error', async () => {
    const attempt = async (sub: string): Promise<number> => {
      const { opened, refused, socket } = connectClient(cloud.websocketUrl, { headers: await bearer({ sub }) });
      const status = await Promise.any([opened.then(() => 101), refused.then(({ statusCode }) => statusCode)]);
      socket.close();
      return status;
    };
    const statuses: number[] = [];
    while (!statuses.includes(429)) {
      statuses.push(...(await Promise.all(Array.from({ length: 10 }, () => attempt('loops')))));
    }
    expect(statuses.filter((status) => status !== 101 && status !== 429)).toEqual([]);
    expect(statuses.slice(0, 100)).not.toContain(429);
    expect(await attempt('does-not-loop')).toBe(101);

    const logged = () =>
      cloud
        .log()
        .map(({ message }) => message)
        .filter((message) => message.includes('too_many_handshakes'));
    const refused = statuses.filter((status) => status === 429).length;
    await expect.poll(() => logged().length).toBe(refused);
    for (const line of logged()) {
      expect(JSON.parse(line)).toMatchObject({ route: 'authorize', outcome: 'rate_limited', HandshakesRefused: 1 });
      expect(line).not.toContain('Errors');
    }
    expect(cloud.log().filter(({ message }) => message.includes('"Errors"'))).toEqual([]);
  });

  test('a browser sends its token as a subprotocol, and the server never echoes it', async () => {
    const protocols = ['beckon.v1', `bearer.${await cloud.token({ sub: 'browser' })}`];
    const client = await connectWire(cloud.websocketUrl, { protocols });
    expect(client.socket.protocol).toBe('beckon.v1');
    expect(await client.ask({ action: 'register' })).toMatchObject({ userId: 'browser' });
  });
});
