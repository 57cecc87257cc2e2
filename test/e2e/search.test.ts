import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { openDevice } from '../support/device.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

const EVERYTHING = { 'user:*': ['send', 'history'], 'room:*': ['send', 'history'] };

async function device(cloud: LocalCloud, userId: string, capability: object = EVERYTHING): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId, capability })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

const start = (app: string) => startLocalCloud({ app, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });

async function send(client: WireClient, to: object, text: string, more = {}): Promise<void> {
  const ack = await client.ask({ action: 'sendMessage', messages: [{ to, data: { text }, ...more }] });
  expect(ack).toMatchObject({ type: 'ack', results: [{ status: expect.any(String) }] });
}

const search = (client: WireClient, conversation: object, text: string, more = {}) =>
  client.ask({ action: 'search', conversation, text, ...more });

const textsOf = (reply: Record<string, unknown>) =>
  (reply['messages'] as { data: { text: string } }[]).map(({ data }) => data.text);

describe('with the prop "search"', () => {
  let cloud: LocalCloud;

  beforeAll(async () => {
    cloud = await start(inject('searchApp'));
  });

  afterAll(async () => {
    await cloud.close();
  });

  /** Polls, because indexing begins after the message is sent. */
  const eventuallyFinds = (client: WireClient, conversation: object, text: string) =>
    expect.poll(async () => textsOf(await search(client, conversation, text)), { timeout: 15_000, interval: 50 });

  test('finds all messages of a frame, whatever characters one of them has', async () => {
    const [fay, gil] = await Promise.all([device(cloud, 'fay'), device(cloud, 'gil')]);
    const texts = ['a zebra \uFFFF', 'another zebra', '\uFFFE\uD800 zebra'];
    const messages = texts.map((text) => ({ to: { user: 'gil' }, data: { text } }));
    expect(await fay.ask({ action: 'sendMessage', messages })).toMatchObject({ type: 'ack' });
    await eventuallyFinds(gil, { user: 'fay' }, 'zebra').toEqual(texts.toReversed());
  });

  test('both users find the messages of their conversation, ignoring case and accents; other users find none', async () => {
    const [ann, ben, eve] = await Promise.all([device(cloud, 'ann'), device(cloud, 'ben'), device(cloud, 'eve')]);
    await send(ann, { user: 'ben' }, 'Café at noon?');
    await send(ben, { user: 'ann' }, 'The CAFE is closed. Coffee here?');
    await send(eve, { user: 'ben' }, 'another café');
    await eventuallyFinds(ann, { user: 'ben' }, 'cafe').toHaveLength(2);
    for (const [client, user] of [
      [ann, 'ben'],
      [ben, 'ann'],
    ] as const) {
      expect(textsOf(await search(client, { user }, 'CAF'))).toEqual([
        'The CAFE is closed. Coffee here?',
        'Café at noon?',
      ]);
      expect(textsOf(await search(client, { user }, 'café no'))).toEqual(['Café at noon?']);
    }
    expect(textsOf(await search(eve, { user: 'ann' }, 'cafe'))).toEqual([]);
    expect(await search(ann, { user: 'ben' }, 'closed')).toEqual({
      type: 'search',
      id: expect.any(String),
      conversation: { user: 'ben' },
      messages: [
        {
          id: expect.any(String),
          serial: expect.any(String),
          from: { user: 'ben' },
          to: { user: 'ann' },
          data: { text: 'The CAFE is closed. Coffee here?' },
          sentAt: expect.any(Number),
        },
      ],
    });
  });

  test('finds the messages of a room, page by page', async () => {
    const client = await device(cloud, 'roomer');
    for (let number = 0; number < 5; number += 1) await send(client, { room: 'hall' }, `echo ${number}`);
    await eventuallyFinds(client, { room: 'hall' }, 'echo').toHaveLength(5);
    const first = await search(client, { room: 'hall' }, 'echo', { limit: 3 });
    expect(textsOf(first)).toEqual(['echo 4', 'echo 3', 'echo 2']);
    const rest = await search(client, { room: 'hall' }, 'echo', { limit: 3, before: first['next'] });
    expect(textsOf(rest)).toEqual(['echo 1', 'echo 0']);
    expect(rest).not.toHaveProperty('next');
  });

  test('finds file names, addresses and text without spaces by their words and as a whole', async () => {
    const client = await device(cloud, 'namer');
    const room = { room: 'names' };
    for (const text of ['report_final_v2.pdf', 'node.js', 'à l’heure', '私は猫が好きです'])
      await send(client, room, text);
    for (const [wanted, text] of [
      ['final', 'report_final_v2.pdf'],
      ['report_final_v2.pdf', 'report_final_v2.pdf'],
      ['js', 'node.js'],
      ['nodejs', 'node.js'],
      ['heure', 'à l’heure'],
      ["l'heure", 'à l’heure'],
      ['猫が好き', '私は猫が好きです'],
    ] as const) {
      await eventuallyFinds(client, room, wanted).toEqual([text]);
    }
  });

  test('finds messages that the client compresses by default', async () => {
    const reader = await device(cloud, 'zip-reader');
    const getToken = () => cloud.token({ sub: 'zip-writer', capability: EVERYTHING });
    const { client: writer } = openDevice(cloud, 'zip-writer', { getToken });
    const long = `needle ${'hay stack '.repeat(200)}haystack_end.txt`;
    await writer.sendToUser('zip-reader', { text: long });
    await eventuallyFinds(reader, { user: 'zip-writer' }, 'needle').toHaveLength(1);
    const found = await writer.search({ user: 'zip-reader' }, 'end.txt');
    expect(found.messages.map(({ data }) => data)).toEqual([{ text: long }]);
    const raw = await search(reader, { user: 'zip-writer' }, 'haystack');
    expect(raw['messages']).toMatchObject([{ encoding: 'json/gzip/base64' }]);
    await writer.close();
  });

  test('indexes no other encoding and no ephemeral message; a text of thousands of words takes a hundred rows', async () => {
    const client = await device(cloud, 'hostile');
    const many = Array.from({ length: 4_000 }, (_, number) => `w${number}`).join(' ');
    await send(client, { room: 'cave' }, many);
    await send(client, { room: 'cave' }, 'encoded', { encoding: 'base64' });
    await send(client, { room: 'cave' }, 'ephemeral', { ephemeral: true });
    await send(client, { room: 'cave' }, 'marker');
    await eventuallyFinds(client, { room: 'cave' }, 'marker').toHaveLength(1);
    await eventuallyFinds(client, { room: 'cave' }, 'w99').toHaveLength(1);
    for (const text of ['w100', 'encoded', 'ephemeral'])
      expect(textsOf(await search(client, { room: 'cave' }, text))).toEqual([]);
    const { Count } = await new DynamoDBClient(adminClient(cloud)).send(
      new QueryCommand({
        TableName: cloud.outputs['Beckon']?.['MessagesTableName'],
        KeyConditionExpression: 'address = :a',
        ExpressionAttributeValues: { ':a': { S: 'search#room#cave' } },
        Select: 'COUNT',
      }),
    );
    expect(Count).toBe(101);
  });

  test('refuses a search for nothing, for too much, or in a forbidden room', async () => {
    const client = await device(cloud, 'wrong', { 'user:*': ['send', 'history'], 'room:*': ['join', 'send'] });
    const conversation = { user: 'x' };
    expect(await client.ask({ action: 'search', conversation })).toMatchObject({ message: '"text" is required' });
    expect(await search(client, conversation, '')).toMatchObject({ message: '"text" must hold at least one word' });
    expect(await search(client, conversation, '?!…')).toMatchObject({ message: '"text" must hold at least one word' });
    expect(await search(client, conversation, 'x'.repeat(10_000))).toMatchObject({
      code: 'search_invalid',
      message: '"text" must have at most 200 characters',
    });
    expect(await search(client, conversation, 'a')).toMatchObject({ type: 'search', messages: [] });
    expect(await search(client, { room: 'secret' }, 'word')).toMatchObject({
      code: 'forbidden',
      message: 'the token\'s capability does not allow "history" at "room:secret"',
    });
  });

  test('a user who types a too long query gets an error at each key, and stays connected', async () => {
    const client = await device(cloud, 'types');
    const sentence = 'one two three four five six seven eight nine';
    for (let key = 0; key < 100; key += 1)
      expect(await search(client, { user: 'x' }, sentence + key)).toMatchObject({ code: 'search_invalid' });
    expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
    expect(client.frames.filter(({ type }) => type === 'bye')).toEqual([]);
  });

  test('the function has the permissions that it uses, and no others', async () => {
    const client = await device(cloud, 'granted');
    for (const conversation of [{ user: 'granted' }, { room: 'granted' }]) {
      await send(client, conversation, 'again', { id: 'again', retry: true });
      await eventuallyFinds(client, conversation, 'again').toHaveLength(1);
    }
    // The gate reads the capability of a newer token.
    const gaining = await device(cloud, 'gaining', {});
    const token = await cloud.token({ sub: 'gaining', capability: EVERYTHING });
    expect(await gaining.ask({ action: 'register', attempt: 1, token })).toMatchObject({ type: 'registered' });
    expect(await search(gaining, { user: 'granted' }, 'again')).toMatchObject({ type: 'search' });
    const unused = () =>
      cloud
        .iamReport()
        // permissions.test.ts tests the gate's tasks and the writes of manage.
        .unused.filter(({ role, actions }) =>
          /Beckonsearch/.test(role)
            ? !actions.includes('sqs:SendMessage')
            : /Beckonwork/.test(role) && actions.includes('dynamodb:BatchWriteItem'),
        );
    expect(unused()).toEqual([]);
    expect(cloud.iamReport().denied).toEqual([]);
  });
});

test('without the prop nothing is indexed, and a search gets an error', async () => {
  const cloud = await start(inject('app'));
  try {
    const client = await device(cloud, 'hopeful');
    await send(client, { room: 'hall' }, 'echo');
    expect(await search(client, { room: 'hall' }, 'echo')).toMatchObject({
      type: 'error',
      code: 'search_disabled',
      retryable: false,
    });
    const ofSending = cloud.calls().filter(({ principal }) => /sendMessage|work/.test(principal));
    expect(ofSending.map(({ operation }) => operation)).toContain('PutItem');
    expect(ofSending.filter(({ operation }) => /SendMessageBatch|BatchWriteItem/.test(operation))).toEqual([]);
  } finally {
    await cloud.close();
  }
});
