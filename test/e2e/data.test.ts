import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Client } from '../../client/index.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { openDevice } from '../support/device.ts';
import { eventually } from '../support/eventually.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire } from '../support/wire-client.ts';

// All four ways to send accept the same data: raw frames, the client, the server SDK in a Lambda, and the function send.

let cloud: LocalCloud;
let lambda: LambdaClient;
const clients: Client[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  lambda = new LambdaClient(adminClient(cloud));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => cloud.close());

async function device(sub: string) {
  const opened = openDevice(cloud, sub);
  clients.push(opened.client);
  await opened.connected();
  return opened;
}

async function wire(sub: string) {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  await client.ask({ action: 'register' });
  return client;
}

async function invoke(output: string, payload: string): Promise<Record<string, unknown>> {
  const FunctionName = cloud.outputs['Beckon']?.[output] ?? '';
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(payload) }));
  return JSON.parse(Payload?.transformToString() ?? 'null');
}

const UNSAFE = { code: 'invalid_frame', message: expect.stringContaining('a number that a double cannot carry') };

describe('a number that JavaScript would change', () => {
  test('is refused in a raw frame, and the rest of the batch is sent', async () => {
    const [alice, ben] = [await wire('alice'), await device('ben')];
    const numbers = ['9007199254740993', '1e400', '-1e400', '1e-400', '1234567890123456789'];
    for (const number of numbers) {
      const message = (data: string) => `{"to":{"user":"ben"},"data":${data}}`;
      alice.send(`{"action":"sendMessage","id":"one${number}","to":{"user":"ben"},"data":{"id":${number}}}`);
      expect(await alice.frame(({ id }) => id === `one${number}`)).toMatchObject({ type: 'error', ...UNSAFE });
      const batch = [message('"before"'), message(`[${number}]`), message(`"${number}"`)];
      alice.send(`{"action":"sendMessage","id":"many${number}","messages":[${batch.join()}]}`);
      expect(await alice.frame(({ id }) => id === `many${number}`)).toMatchObject({
        results: [{ status: 'sent' }, { error: UNSAFE }, { status: 'sent' }],
      });
    }
    await eventually(() => ben.received).toEqual(numbers.flatMap((number) => ['before', number]));
  });

  test('is refused by the function send', async () => {
    const message = (data: string) => `{"to":{"user":"carl"},"data":${data}}`;
    const batch = [message('9007199254740993'), message('1e400'), message('9007199254740991')];
    expect(await invoke('SendFunctionName', `{"messages":[${batch.join()}]}`)).toMatchObject({
      results: [{ error: { code: 'invalid_frame' } }, { error: { code: 'invalid_frame' } }, { status: 'stored' }],
    });
  });

  test('is never a JavaScript number: those arrive unchanged', async () => {
    const [alice, ben] = [await device('ann'), await device('bea')];
    const numbers = [2 ** 53 + 2, 2 ** 60, 1e21, Number.MAX_VALUE, Number.MIN_VALUE, -0.1];
    await alice.client.sendToUser('bea', numbers);
    await eventually(() => ben.received).toEqual([numbers]);
  });
});

describe('the server SDK', () => {
  const attempt = (trial: string) => invoke('ExportNotifierName', JSON.stringify({ trial }));

  test('sends bytes and dates as the client does', async () => {
    const trier = await device('trier');
    for (const trial of ['bytes', 'blob', 'date']) expect(await attempt(trial)).toMatchObject({ status: 'sent' });
    await eventually(() => trier.received).toEqual([
      Uint8Array.of(0, 1, 255),
      new Uint8Array(Buffer.from('blob')),
      { when: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  test('refuses values that JSON would lose, and users that are not a list', async () => {
    expect(await attempt('function')).toMatchObject({
      name: 'TypeError',
      message: expect.stringMatching(/"data": Function$/),
    });
    expect(await attempt('bigint')).toMatchObject({
      name: 'TypeError',
      message: expect.stringMatching(/"data.id": BigInt$/),
    });
    expect(await attempt('letters')).toMatchObject({
      code: 'invalid_frame',
      message: '"to.users" must be an array of user ids',
    });
  });

  test('sends the rest of a batch', async () => {
    expect(await attempt('batch')).toMatchObject([
      { serial: expect.any(String) },
      { id: 'bad', error: { code: 'invalid_frame' } },
      { serial: expect.any(String) },
    ]);
  });
});
