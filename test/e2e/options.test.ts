import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { App, CfnOutput, CfnParameter, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { SignJWT } from 'jose';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Beckon, type BeckonProps } from '../../lib/beckon.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { MAX_MESSAGES_PER_FRAME, MAX_USERS_PER_MESSAGE } from '../../protocol/index.ts';
import { openDevice } from '../support/device.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire } from '../support/wire-client.ts';
import { connectClient } from '../support/ws-client.ts';

// Stacks with other options of the construct run in the local cloud, as the default stack does.

let cloud: LocalCloud | undefined;
let directory: string;

afterEach(async () => {
  await cloud?.close();
  rmSync(directory, { recursive: true });
});

async function start(options: (stack: Stack) => Partial<BeckonProps>): Promise<LocalCloud> {
  directory = mkdtempSync(join(tmpdir(), 'beckon-options-'));
  const app = new App({ outdir: join(directory, 'cdk.out') });
  const stack = new Stack(app, 'Mine', { env: { account: LOCAL_ACCOUNT, region: LOCAL_REGION } });
  const issuer = new CfnParameter(stack, 'Issuer').valueAsString;
  new Beckon(stack, 'Beckon', { issuer, audience: 'beckon', ...options(stack) });
  app.synth();
  cloud = await startLocalCloud({ app: app.outdir, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  return cloud;
}

test('with a customer-managed key and development options: messages arrive, and no permission is missing', {
  timeout: 60_000,
}, async () => {
  const { websocketUrl, token, iamReport } = await start((stack) => ({
    mode: 'development',
    encryptionKey: new Key(stack, 'Key'),
  }));
  const device = async (sub: string) => {
    const client = await connectWire(websocketUrl, { headers: { Authorization: `Bearer ${await token({ sub })}` } });
    await client.ask({ action: 'register' });
    return client;
  };
  const [alice, bob] = await Promise.all([device('alice'), device('bob')]);
  const sent = await alice.ask({ action: 'sendMessage', to: { user: 'bob' }, data: 'hi', id: 'm1' });
  expect(sent).toMatchObject({ results: [{ status: 'sent' }] });
  expect(await bob.frame(({ type }) => type === 'messages')).toMatchObject({ messages: [{ data: 'hi' }] });
  expect(iamReport().denied).toEqual([]);
});

test('with a second issuer that shares a secret: users of both issuers connect with their own tokens', {
  timeout: 60_000,
}, async () => {
  const started = await start((stack) => {
    const sharedSecret = new Secret(stack, 'Secret');
    new CfnOutput(stack, 'SecretArn', { value: sharedSecret.secretArn });
    return { otherIssuers: [{ issuer: 'my-backend', audience: 'beckon', sharedSecret }] };
  });
  const { websocketUrl, token } = started;
  const secrets = new SecretsManagerClient(adminClient(started));
  const SecretId = started.outputs['Mine']?.['SecretArn'];
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  const ofBackend = (secret: string) =>
    new SignJWT({ iss: 'my-backend', aud: 'beckon', sub: 'job' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret));
  const bearer = (value: string) => ({ headers: { Authorization: `Bearer ${value}` } });

  for (const [value, userId] of [
    [await token({ sub: 'alice' }), 'alice'],
    [await ofBackend(SecretString ?? ''), 'job'],
  ] as const) {
    const client = await connectWire(websocketUrl, bearer(value));
    expect(await client.ask({ action: 'register' })).toMatchObject({ userId });
  }
  const guessed = connectClient(websocketUrl, bearer(await ofBackend('a guess of at least thirty-two bytes')));
  expect(await guessed.refused).toMatchObject({ statusCode: 401 });
});

test('with a low rate: an application that keeps sending larger bursts gets only acknowledgements', {
  timeout: 60_000,
}, async () => {
  const started = await start(() => ({ rateLimit: { messagesPerSecond: 20, burst: 50 } }));
  const refusals: string[] = [];
  const alice = openDevice(started, 'alice', {
    webSocket: class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        this.on('message', (data) => refusals.push(...(String(data).match(/"rate_limited"/g) ?? [])));
      }
    },
  });
  const bob = openDevice(started, 'bob');
  await bob.connected();
  const sent = Array.from({ length: 180 }, (_, index) => index);
  for (const first of [0, 60, 120]) {
    const burst = sent.slice(first, first + 60).map((data) => alice.client.sendToUser('bob', data));
    const results = await Promise.all(burst);
    expect(results.filter(({ status }) => status !== 'sent')).toEqual([]);
  }
  await expect.poll(() => bob.received, { timeout: 10_000 }).toEqual(sent);
  expect(refusals).toEqual([]);
  for (const { client } of [alice, bob]) client.close();
});

test('with a high rate: the SDK retries what did not fit into one reply, and each message has a result for each user', {
  timeout: 60_000,
}, async () => {
  const started = await start(() => ({ rateLimit: { messagesPerSecond: 10_000, burst: 10_000 } }));
  const { client } = openDevice(started, 'many');
  const names = Array.from({ length: MAX_USERS_PER_MESSAGE }, (_, index) => `user-${index}`);
  const results = await Promise.all(
    Array.from({ length: MAX_MESSAGES_PER_FRAME }, (_, index) => client.sendToUsers(names, index, { ephemeral: true })),
  );
  client.close();
  for (const result of results) {
    expect(result.users).toEqual(names.map((user) => ({ user, status: 'dropped' })));
  }
  const serials = results.map(({ serial }) => serial);
  expect(serials).toEqual(serials.toSorted());
});
