import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, expect, inject, test } from 'vitest';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/index.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

let cloud: LocalCloud;
let removeApp: (() => void) | undefined;

afterEach(async () => {
  await cloud.close();
  removeApp?.();
  removeApp = undefined;
});

async function start(options: Partial<LocalCloudOptions> = {}): Promise<void> {
  const parameters = { Issuer: '{endpointUrl}/_local' };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, ...options });
}

async function device(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  await client.ask({ action: 'register' });
  return client;
}

const output = (name: string) => cloud.outputs['Beckon']?.[name] ?? '';

/** Puts connections of a user into the table that do not exist any more. */
async function pretendConnections(userId: string, count: number): Promise<void> {
  const dynamoDb = new DynamoDBClient(adminClient(cloud));
  const requests = Array.from({ length: count }, (_, index) => ({
    PutRequest: {
      Item: {
        address: { S: `user#${userId}` },
        connectionId: { S: `${Buffer.from(`${index}`.padStart(11, 'x')).toString('base64url')}=` },
        callbackUrl: { S: output('CallbackUrl') },
        expiresAt: { N: String(Math.floor(Date.now() / 1000) + 600) },
      },
    },
  }));
  for (let at = 0; at < requests.length; at += 25) {
    const RequestItems = { [output('ConnectionsTableName')]: requests.slice(at, at + 25) };
    await dynamoDb.send(new BatchWriteItemCommand({ RequestItems }));
  }
}

test('every permission that is granted is used, and none that is used is missing', { timeout: 60_000 }, async () => {
  // Posts fail now and then for good, so that connections are cut off: by a user's send, by a service's, and by work.
  await start({ faults: { seed: 7, rules: [{ point: 'post', kind: 'error', probability: 0.8 }] } });

  const sender = await device('sender');
  const lambda = new LambdaClient({ ...adminClient(cloud), maxAttempts: 3 });
  const notify = async (user: string) => {
    const Payload = JSON.stringify({ user });
    await lambda.send(new InvokeCommand({ FunctionName: output('ExportNotifierName'), Payload }));
  };
  const tell = (user: string) => sender.ask({ action: 'sendMessage', to: { user }, data: 1, id: 'again', retry: true });
  const unused = () => cloud.iamReport().unused.map(({ role, actions, resources }) => ({ role, actions, resources }));

  for (let round = 0; round < 12 && unused().length > 0; round += 1) {
    const crowd = `crowd-${round}`;
    await pretendConnections(crowd, 200);
    await device(crowd);
    await tell(crowd);
    for (const user of [`bob-${round}`, `eve-${round}`]) {
      await pretendConnections(user, 2);
      const devices = await Promise.all([device(user), device(user), device(user)]);
      await devices[0].ask({ action: 'ping', cursor: devices[0].frames[0]?.['cursor'] });
      await Promise.all([tell(user), notify(user)]);
      devices[0].socket.close();
      await devices[0].closed;
    }
  }
  await expect.poll(unused, { timeout: 20_000 }).toEqual([]);
  expect(cloud.iamReport().denied).toEqual([]);
});

test('a policy that is taken away fails the call that needs it, here as on AWS', async () => {
  const app = mkdtempSync(join(tmpdir(), 'beckon-altered-'));
  removeApp = () => rmSync(app, { recursive: true });
  cpSync(inject('app'), app, { recursive: true });
  const file = join(app, 'Beckon.template.json');
  const template = JSON.parse(readFileSync(file, 'utf8'));
  const policy = Object.keys(template.Resources).find((id) => /^BeckonpingRoleDefaultPolicy/.test(id));
  const statements = template.Resources[policy ?? ''].Properties.PolicyDocument.Statement as { Action: unknown }[];
  template.Resources[policy ?? ''].Properties.PolicyDocument.Statement = statements.filter(
    ({ Action }) => Action !== 'dynamodb:UpdateItem',
  );
  writeFileSync(file, JSON.stringify(template));
  await start({ app });

  const client = await device('bob');
  expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'error', code: 'internal' });
  expect(cloud.iamReport().denied).toMatchObject([{ action: 'dynamodb:UpdateItem' }]);
  expect(JSON.stringify(cloud.log())).toContain('AccessDeniedException');
});
