import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

let cloud: LocalCloud;
let dynamoDb: DynamoDBClient;
let lambda: LambdaClient;
let tableName: string;

beforeAll(async () => {
  cloud = await startLocalCloud({
    app: inject('app'),
    port: 0,
    parameters: { Issuer: '{endpointUrl}/_local', AllowedOrigins: 'https://app.example' },
  });
  const connection = {
    endpoint: cloud.endpointUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  dynamoDb = new DynamoDBClient(connection);
  lambda = new LambdaClient(connection);
  tableName = output('ConnectionsTableName');
});

afterAll(() => cloud.close());

function output(name: string): string {
  const value = cloud.outputs['Beckon']?.[name];
  if (!value) throw new Error(`the stack has no output ${name}`);
  return value;
}

async function device(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId })}` };
  const client = await connectWire(cloud.websocketUrl, { headers, protocols: ['beckon.v1'] });
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered', userId });
  return client;
}

/** Returns a user's items, expired ones too. */
async function rows(userId: string): Promise<Record<string, AttributeValue>[]> {
  const { Items = [] } = await dynamoDb.send(
    new QueryCommand({
      TableName: tableName,
      ConsistentRead: true,
      KeyConditionExpression: 'address = :a',
      ExpressionAttributeValues: { ':a': { S: `user#${userId}` } },
    }),
  );
  return Items;
}

async function connectionIds(userId: string): Promise<string[]> {
  return (await rows(userId)).map(({ connectionId }) => connectionId?.S ?? '');
}

const pushed = (text: string) => (frame: Record<string, unknown>) =>
  frame['type'] === 'messages' && JSON.stringify(frame).includes(text);

describe('a message from user to user', () => {
  test('reaches every device of the recipient with its sender and time, and the sender’s other devices', async () => {
    const bobs = await Promise.all([device('bob'), device('bob'), device('bob')]);
    const alices = await Promise.all([device('alice'), device('alice')]);

    const ack = await alices[0].ask({ action: 'sendMessage', to: { user: 'bob' }, data: { text: 'hi bob' } });

    const received = await Promise.all(bobs.map((bob) => bob.frame(pushed('hi bob'))));
    for (const frame of received) {
      expect(frame).toEqual({
        type: 'messages',
        messages: [
          {
            id: ack['id'],
            serial: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
            from: { user: 'alice' },
            to: { user: 'bob' },
            data: { text: 'hi bob' },
            sentAt: expect.any(Number),
          },
        ],
      });
    }
    expect(ack).toMatchObject({
      type: 'ack',
      results: [{ status: 'sent', connections: { sent: 3, gone: 0, failed: 0 } }],
    });
    expect(await alices[1].frame(pushed('hi bob'))).toEqual(received[0]);
    expect(alices[0].frames.map(({ type }) => type)).toEqual(['registered', 'ack']);
  });

  test('to the sender reaches all of the sender’s other devices', async () => {
    const [one, two] = await Promise.all([device('solo'), device('solo')]);
    await one.ask({ action: 'sendMessage', to: { user: 'solo' }, data: 'note to self' });
    await two.frame(pushed('note to self'));
    expect(one.frames.map(({ type }) => type)).toEqual(['registered', 'ack']);
  });

  test('to several users reaches each, and the ack has the outcome for each', async () => {
    const [one, two] = await Promise.all([device('u1'), device('u2')]);
    const sender = await device('several');
    const ack = await sender.ask({ action: 'sendMessage', to: { users: ['u1', 'u2', 'u3'] }, data: 'all of you' });
    await Promise.all([one.frame(pushed('all of you')), two.frame(pushed('all of you'))]);
    expect(ack).toMatchObject({
      results: [
        {
          status: 'stored',
          users: [
            { user: 'u1', status: 'sent' },
            { user: 'u2', status: 'sent' },
            { user: 'u3', status: 'stored' },
          ],
        },
      ],
    });
  });

  test('in a batch succeeds or fails alone: the invalid one gets an error, the others arrive in order', async () => {
    const recipient = await device('batch');
    const sender = await device('batcher');
    const ack = await sender.ask({
      action: 'sendMessage',
      messages: [
        { to: { user: 'batch' }, data: 'first', id: 'm1' },
        { to: 'batch', data: 'invalid', id: 'm2' },
        { to: { user: 'batch' }, data: 'third', id: 'm3' },
      ],
    });
    const push = await recipient.frame(pushed('third'));
    expect(push['messages']).toMatchObject([
      { data: 'first', id: 'm1' },
      { data: 'third', id: 'm3' },
    ]);
    expect(ack['results']).toMatchObject([
      { id: 'm1', status: 'sent' },
      { id: 'm2', error: { code: 'invalid_frame' } },
      { id: 'm3', status: 'sent' },
    ]);
  });

  test('arrives unchanged: other scripts, emoji, deep nesting, keys that look dangerous', async () => {
    const text = '{"text":"Grüße 你好 🎈 \\u0000","__proto__":{"admin":true},"constructor":[[[[[null]]]]]}';
    const [sender, recipient] = await Promise.all([device('any'), device('any')]);
    sender.send(`{"action":"sendMessage","to":{"user":"any"},"data":${text},"id":"odd"}`);
    const push = await recipient.frame(pushed('你好'));
    const [message] = push['messages'] as { data: unknown }[];
    expect(JSON.stringify(message?.data)).toBe(JSON.stringify(JSON.parse(text)));
  });
});

describe('missing connections', () => {
  test('an offline user is not an error: a stored message waits, an ephemeral one is dropped', async () => {
    const sender = await device('lonely');
    const nobody = { sent: 0, gone: 0, failed: 0 };
    expect(await sender.ask({ action: 'sendMessage', to: { user: 'late' }, data: 'waits' })).toMatchObject({
      type: 'ack',
      results: [{ status: 'stored', connections: nobody }],
    });
    expect(
      await sender.ask({ action: 'sendMessage', to: { user: 'late' }, data: 'typing', ephemeral: true }),
    ).toMatchObject({
      results: [{ status: 'dropped', connections: nobody }],
    });
    const late = await device('late');
    expect(late.frames[0]).toMatchObject({ recovered: true, more: false, messages: [{ data: 'waits' }] });
  });

  test('a closed device is removed from the table', async () => {
    const bob = await device('closing');
    bob.socket.close();
    await bob.closed;
    await expect.poll(() => connectionIds('closing')).toEqual([]);
  });

  test('a device that died without $disconnect is removed at the next send, and no other item changes', async () => {
    const [live, sender] = await Promise.all([device('ghost'), device('sender')]);
    const dead = 'AAAAAAAAAAAAAAA=';
    const [alive] = await rows('ghost');
    await dynamoDb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { address: { S: 'user#ghost' }, connectionId: { S: dead } },
        UpdateExpression: 'SET userId = :u, callbackUrl = :c, expiresAt = :e, tokenExpiresAt = :e',
        ExpressionAttributeValues: {
          ':u': { S: 'ghost' },
          ':c': alive?.['callbackUrl'] ?? { S: '' },
          ':e': alive?.['expiresAt'] ?? { N: '0' },
        },
      }),
    );
    const others = (await connectionIds('sender')).length;

    const ack = await sender.ask({ action: 'sendMessage', to: { user: 'ghost' }, data: 'still there?' });

    expect(ack).toMatchObject({
      results: [{ status: 'sent', connections: { sent: 1, gone: 1, failed: 0 } }],
    });
    await live.frame(pushed('still there?'));
    expect(await connectionIds('ghost')).not.toContain(dead);
    expect(await connectionIds('ghost')).toHaveLength(1);
    expect(await connectionIds('sender')).toHaveLength(others);
  });

  test('a sender ignores an expired mapping whose item still exists, and its device is told to register again', async () => {
    const [expired, sender] = await Promise.all([device('expired'), device('sender2')]);
    const [connectionId = ''] = await connectionIds('expired');
    await dynamoDb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { address: { S: 'user#expired' }, connectionId: { S: connectionId } },
        UpdateExpression: 'SET expiresAt = :e',
        ExpressionAttributeValues: { ':e': { N: String(Math.floor(Date.now() / 1000) - 1) } },
      }),
    );

    const ack = await sender.ask({ action: 'sendMessage', to: { user: 'expired' }, data: 'too late' });

    expect(ack).toMatchObject({ results: [{ status: 'stored', connections: { sent: 0, gone: 0, failed: 0 } }] });
    expect(await connectionIds('expired')).toEqual([connectionId]);
    expect(await expired.ask({ action: 'ping' })).toMatchObject({
      type: 'error',
      code: 'not_registered',
      retryable: true,
    });
    expect(await expired.ask({ action: 'register', attempt: 1 })).toMatchObject({
      type: 'registered',
      messages: [{ data: 'too late' }],
    });
    expect(await expired.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test('a device without its mapping is told to register again when it sends', async () => {
    const sender = await device('removed');
    const [connectionId = ''] = await connectionIds('removed');
    const Key = { address: { S: 'user#removed' }, connectionId: { S: connectionId } };
    await dynamoDb.send(new DeleteItemCommand({ TableName: tableName, Key }));
    expect(await sender.ask({ action: 'sendMessage', to: { user: 'x' }, data: 1 })).toMatchObject({
      code: 'not_registered',
    });
  });
});

describe('another Lambda', () => {
  test('sends through the library and through the function send, both under its own role', async () => {
    const recipient = await device('notified');
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: output('ExportNotifierName'), Payload: JSON.stringify({ user: 'notified' }) }),
    );
    const result = JSON.parse(Payload?.transformToString() ?? 'null');
    expect(FunctionError, JSON.stringify(result)).toBeUndefined();
    const frames = await Promise.all([recipient.frame(pushed('library')), recipient.frame(pushed('invocation'))]);
    for (const frame of frames) expect(frame['messages']).toMatchObject([{ from: { service: 'notifier' } }]);
    expect(result).toMatchObject({
      library: { status: 'sent', connections: { sent: 1 } },
      invocation: { results: [{ status: 'sent', connections: { sent: 1 } }] },
    });
  });
});
