/** Applications that were written without the local cloud in mind, as plain CloudFormation, run on it. */
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { eventually } from '../support/eventually.ts';
import { adminClient, alteredFixture, startFixture } from '../support/local-cloud.ts';
import { connectClient, type TestClient } from '../support/ws-client.ts';

async function open(url: string): Promise<TestClient> {
  const client = connectClient(url);
  await client.opened;
  return client;
}

/** How many items a table has. */
async function itemCount(cloud: LocalCloud, TableName: string): Promise<number> {
  const client = new DynamoDBClient(adminClient(cloud));
  const { Count } = await client.send(new ScanCommand({ TableName }));
  client.destroy();
  return Count ?? 0;
}

describe('a chat that scans its table (CommonJS handlers, an explicit deployment)', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startFixture('scan-chat');
  });
  afterAll(() => cloud.close());

  test('sends a message to everybody', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => open(cloud.websocketUrl)));
    clients[0]?.send({ action: 'sendmessage', data: 'hello' });
    expect(await Promise.all(clients.map((client) => client.next()))).toEqual(['hello', 'hello', 'hello']);

    for (const client of clients) client.socket.close();
    await eventually(() => itemCount(cloud, 'simplechat_connections')).toBe(0);
  });

  test('needs no permission that it does not have', () => {
    expect(cloud.iamReport().denied).toEqual([]);
  });
});

describe('a pub/sub with secondary indexes (ESM handlers, an authorizer, mappings and conditions)', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startFixture('pub-sub', { parameters: { Secret: 's3cret', Size: 'large' } });
  });
  afterAll(() => cloud.close());

  const subscribe = async (user: string, topic: string) => {
    const client = await open(`${cloud.websocketUrl}?token=${user}:s3cret`);
    client.send({ type: 'subscribe', topic });
    return { client, reply: JSON.parse(await client.next()) };
  };

  test('delivers a publication to the subscribers of its topic only', async () => {
    const news = await Promise.all(['ann', 'bob', 'cid'].map((user) => subscribe(user, 'news')));
    const sport = await subscribe('dan', 'sport');
    expect(news[0]?.reply).toEqual({ subscribed: 'news', as: 'ann', label: 'pub/sub' });

    sport.client.send({ type: 'publish', topic: 'news', data: 1 });
    const published = JSON.stringify({ topic: 'news', data: 1, from: 'dan' });
    expect(await Promise.all(news.map(({ client }) => client.next()))).toEqual([published, published, published]);
    expect(sport.client.messages).toHaveLength(1);

    const table = cloud.outputs['pub-sub']?.['Table'] ?? '';
    expect(await itemCount(cloud, table)).toBe(4);
    for (const { client } of [...news, sport]) client.socket.close();
    await eventually(() => itemCount(cloud, table)).toBe(0);
  });

  test.each([
    ['without a token', '', 401],
    ['as nobody', '?token=nobody:s3cret', 401],
    ['with a wrong secret', '?token=eve:guess', 403],
  ])('refuses a connection %s', async (_, query, statusCode) => {
    expect(await connectClient(`${cloud.websocketUrl}${query}`).refused).toMatchObject({ statusCode });
  });

  test('resolves mappings and conditions from parameters', () => {
    expect(Object.keys(cloud.outputs['pub-sub'] ?? {})).toEqual(['Table', 'TraceGroup']);
    expect(cloud.websocketUrls).toEqual({ 'pubsub-east/v1': cloud.websocketUrl });
  });

  test('uses each of its permissions, and needs no other', () => {
    expect(cloud.iamReport()).toMatchObject({ denied: [], unused: [] });
  });
});

test('two APIs with the same name and stage name are two stages with the ids of the APIs', async () => {
  const { app, remove } = alteredFixture('scan-chat', (resources) => {
    const { Api, Stage } = resources;
    if (!(Api && Stage)) throw new Error('scan-chat has another template');
    resources['OtherApi'] = Api;
    const { StageName } = Stage.Properties;
    resources['OtherStage'] = {
      Type: Stage.Type,
      Properties: { ApiId: { Ref: 'OtherApi' }, StageName, AutoDeploy: true },
    };
  });
  const cloud = await startLocalCloud({ app, port: 0 });
  const names = Object.keys(cloud.websocketUrls);
  expect(names).toEqual([expect.stringMatching(/^[a-z0-9]{10}\/Prod$/), expect.stringMatching(/^[a-z0-9]{10}\/Prod$/)]);
  expect(cloud.ready.websocketUrl).toBeUndefined();
  await cloud.close();
  remove();
});

describe('a sender behind a queue (an inline function, an event source mapping, a dead-letter queue)', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startFixture('queue-sender');
  });
  afterAll(() => cloud.close());

  /** The texts of the messages that could not be delivered. */
  async function undeliverable(): Promise<string[]> {
    const client = new SQSClient(adminClient(cloud));
    const QueueUrl = cloud.outputs['queue-sender']?.['UndeliverableUrl'];
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }));
    client.destroy();
    return Messages.map(({ Body = '' }) => JSON.parse(Body).text);
  }

  test('delivers what was put into its queue', async () => {
    const client = await open(cloud.websocketUrl);
    client.send({ text: 'hello' });
    const messages = [await client.next(), await client.next()].map((message) => JSON.parse(message));
    // Which comes first is not promised: the queue may be faster than the reply.
    expect(messages).toEqual(expect.arrayContaining([{ queued: 'hello' }, { delivered: 'hello' }]));
  });

  test('gives up after two attempts, and keeps undelivered messages', async () => {
    const client = await open(cloud.websocketUrl);
    client.send({ to: 'not-a-connection', text: 'lost' });
    await client.next();
    await eventually(undeliverable).toEqual(['lost']);
  });

  test('uses each of its permissions, and needs no other', () => {
    expect(cloud.iamReport()).toMatchObject({ denied: [], unused: [] });
  });
});
