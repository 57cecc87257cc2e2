import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, expect, inject, test } from 'vitest';
import { type LocalCloud, type LogEntry, startLocalCloud } from '../../local/index.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';
import { connectClient } from '../support/ws-client.ts';

// The test plants secrets in every field that a client controls, in valid and invalid frames. No log line may contain one.

let cloud: LocalCloud;

afterEach(() => cloud.close());

const PLANTED = 'planted';
const BODY = `${PLANTED}-payload`;
const ALICE = `${PLANTED}-alice@example.com`;
const BOB = `${PLANTED}-bob@example.com`;

/** Every part of a token that is recognizable and unique. */
const partsOf = (token: string) =>
  token.split('.').filter((part) => part.length > 20 && !part.startsWith('eyJhbGciOi'));

/** DynamoDB faults, which fail handshakes as well. */
function connectAtLast(...question: Parameters<typeof connectWire>): Promise<WireClient> {
  return connectWire(...question).catch(() => connectAtLast(...question));
}

test('no log line of an eventful run contains a token, a payload or a user id', {
  timeout: 60_000,
}, async () => {
  const lines: LogEntry[] = [];
  cloud = await startLocalCloud({
    app: inject('app'),
    port: 0,
    parameters: { Issuer: '{endpointUrl}/_local', AllowedOrigins: 'https://app.example' },
    log: (entry) => lines.push(entry),
    faults: {
      seed: 5,
      rules: [
        { point: 'post', kind: 'error', probability: 0.3 },
        // Three faults in a row make a call fail.
        { point: 'dynamodb', kind: 'error', probability: 0.6 },
      ],
    },
  });
  const tokens: string[] = [];
  const tokenOf = async (claims: Parameters<LocalCloud['token']>[0]) => {
    const token = await cloud.token(claims);
    tokens.push(token);
    return token;
  };
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const ended = (client: ReturnType<typeof connectClient>) =>
    Promise.race([client.opened, client.refused]).then(() => client.socket.close());

  // Handshakes: refused for every reason, and accepted with the token in both places.
  const good = await tokenOf({ sub: ALICE });
  const expired = await tokenOf({ sub: ALICE, expiresInSeconds: -60 });
  const url = cloud.websocketUrl;
  await Promise.all([
    ended(connectClient(`${url}?token=${good}`, {})),
    ended(connectClient(url, { headers: bearer(expired) })),
    ended(connectClient(url, { headers: bearer(`${good}x`) })),
    ended(connectClient(url, { headers: { Authorization: `Basic ${good}` } })),
    ended(connectClient(url, { headers: { ...bearer(good), Origin: `https://${PLANTED}.example` } })),
    ended(connectClient(url, { headers: { ...bearer(good), 'User-Agent': PLANTED, Cookie: PLANTED } })),
  ]);

  // Frames: good ones, and wrong ones that an error message might quote. A post that fails closes its connection.
  const ask = (client: WireClient, frame: Record<string, unknown>) => Promise.race([client.ask(frame), client.closed]);
  for (let round = 0; round < 10; round += 1) {
    const [alice, bob] = await Promise.all([
      connectAtLast(url, { protocols: ['beckon.v1', `bearer.${good}`] }),
      connectAtLast(url, { headers: bearer(await tokenOf({ sub: BOB })) }),
    ]);
    await Promise.all([alice, bob].map((client) => ask(client, { action: 'register' })));
    await Promise.all([
      ask(alice, { action: 'sendMessage', to: { user: BOB }, data: { [BODY]: BODY }, id: 'm', retry: round % 2 === 0 }),
      ask(alice, { action: 'sendMessage', to: { users: [BOB, ALICE] }, data: BODY, ephemeral: true }),
      ask(alice, { action: 'sendMessage', to: { user: BOB }, data: BODY, [BODY]: 1 }),
      ask(alice, { action: BODY, data: BODY }),
      ask(bob, { action: 'ping' }),
    ]);
    alice.send(`{"action":"sendMessage","data":"${BODY}`);
    await Promise.race([alice.frame(({ code }) => code === 'invalid_json'), alice.closed]);
    alice.socket.close();
    bob.socket.close();
  }

  // Services: through the library and by invocation, with valid and invalid input.
  const lambda = new LambdaClient(adminClient(cloud));
  const output = (name: string) => cloud.outputs['Beckon']?.[name] ?? '';
  const invoke = (FunctionName: string, payload: unknown) =>
    lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }));
  await invoke(output('ExportNotifierName'), { user: BOB });
  // Lambda logs a service's input error: with the field's name, without its value.
  await invoke(output('SendFunctionName'), { to: { user: BOB }, data: BODY, mistake: BODY });
  await invoke(output('SendFunctionName'), { to: { user: `${PLANTED}\n` }, data: BODY });
  const text = (entry: LogEntry) => JSON.stringify(entry);
  const from = (pattern: RegExp) => lines.filter((entry) => pattern.test(text(entry)));
  await expect.poll(() => from(/"route\\?":\\?"\$disconnect/).length).toBeGreaterThan(0);

  // The run must be eventful, or the search below proves little.
  for (const route of ['authorize', 'register', 'sendMessage', '$default', 'ping', 'send']) {
    expect({ route, lines: from(new RegExp(`"route\\\\?":\\\\?"${route.replace('$', '\\$')}`)).length > 0 }).toEqual({
      route,
      lines: true,
    });
  }
  expect(from(/token_in_url/).length, 'a token in the URL').toBeGreaterThan(0);
  expect(from(/"stack\\?":/).length, 'stack traces').toBeGreaterThan(0);
  expect(from(/integrationStatus/).length, 'access log').toBeGreaterThan(100);

  for (const secret of [PLANTED, ...tokens.flatMap(partsOf), ...[ALICE, BOB, BODY].map(base64)]) {
    expect(
      lines.filter((entry) => text(entry).includes(secret)),
      secret,
    ).toEqual([]);
  }
});

function base64(value: string): string {
  return Buffer.from(value).toString('base64url');
}
