import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDynamoDb } from '../../../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../../../local/faults.ts';
import type { AwsService } from '../../../../local/service.ts';
import { call } from '../../../support/aws-server.ts';
import { createSteppedClock, type SteppedClock } from '../../../support/stepped-clock.ts';

const TableName = 'Items';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let clock: SteppedClock;
let service: AwsService;

async function open(expiry = {}): Promise<void> {
  clock = createSteppedClock();
  service = await createDynamoDb({
    clock,
    faults: NO_FAULTS,
    authorize: () => undefined,
    log: () => undefined,
    expiry,
  });
  await call(service, 'CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  });
}

const enable = (AttributeName = 'ttl', Enabled = true) =>
  call(service, 'UpdateTimeToLive', { TableName, TimeToLiveSpecification: { AttributeName, Enabled } });

const inMs = (ms: number) => ({ N: String(Math.floor((clock.now() + ms) / 1000)) });

const put = (pk: string, more: object = {}) =>
  call(service, 'PutItem', { TableName, Item: { pk: { S: pk }, ...more } });

async function remaining(): Promise<string[]> {
  const { body } = await call(service, 'Scan', { TableName });
  return (body['Items'] as { pk: { S: string } }[]).map((item) => item.pk.S).sort();
}

/** Moves on in the steps of the sweeps, and lets each of them end. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5 * MINUTE_MS) {
    await clock.advance(Math.min(left, 5 * MINUTE_MS));
    await vi.waitFor(() => expect(clock.pending).toBe(1), { interval: 1 });
  }
}

beforeEach(() => open());
afterEach(() => service.close());

test('an expired item stays visible for ten minutes at least, and goes within two days', async () => {
  await enable();
  for (let index = 0; index < 40; index++) await put(`item-${index}`, { ttl: inMs(0) });
  await pass(10 * MINUTE_MS - 1);
  expect(await remaining()).toHaveLength(40);
  await pass(DAY_MS);
  const half = (await remaining()).length;
  expect(half).toBeGreaterThan(5);
  expect(half).toBeLessThan(35);
  await pass(DAY_MS + 10 * MINUTE_MS);
  expect(await remaining()).toEqual([]);
});

test('what has not expired, has no such number, or expired more than five years ago, stays', async () => {
  await enable();
  await put('later', { ttl: inMs(5 * DAY_MS) });
  await put('none');
  await put('text', { ttl: { S: inMs(0).N } });
  await put('milliseconds', { ttl: { N: String(clock.now()) } });
  await put('ancient', { ttl: inMs(-5 * 366 * DAY_MS) });
  await put('gone', { ttl: inMs(0) });
  await pass(3 * DAY_MS);
  expect(await remaining()).toEqual(['ancient', 'later', 'milliseconds', 'none', 'text']);
});

test('an item that was given a new life keeps it', async () => {
  await enable();
  await put('renewed', { ttl: inMs(0) });
  await put('renewed', { ttl: inMs(30 * DAY_MS) });
  await pass(3 * DAY_MS);
  expect(await remaining()).toEqual(['renewed']);
});

test('delays are chosen by the seed', async () => {
  const survivors = async (seed: number) => {
    await service.close();
    await open({ seed });
    await enable();
    for (let index = 0; index < 20; index++) await put(`item-${index}`, { ttl: inMs(0) });
    await pass(DAY_MS);
    return remaining();
  };
  const first = await survivors(1);
  expect(await survivors(1)).toEqual(first);
  expect(await survivors(2)).not.toEqual(first);
});

test('the delay is configurable', async () => {
  await service.close();
  await open({ minDelayMs: 0, maxDelayMs: 0, sweepIntervalMs: 1000 });
  await enable();
  await put('gone', { ttl: inMs(0) });
  await clock.advance(1000);
  await vi.waitFor(async () => expect(await remaining()).toEqual([]));
});

test('enabling twice, or disabling twice, is a ValidationException', async () => {
  const refusal = (message: string) => ({
    statusCode: 400,
    body: { __type: expect.stringContaining('#ValidationException'), message },
  });
  expect(await enable('ttl', false)).toMatchObject(refusal('TimeToLive is already disabled'));
  expect((await enable()).body).toEqual({ TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } });
  expect(await enable()).toMatchObject(refusal('TimeToLive is already enabled'));
  const other = 'TimeToLive is active on a different AttributeName: current AttributeName is ttl';
  expect(await enable('other')).toMatchObject(refusal(other));
  expect(await enable('other', false)).toMatchObject(refusal(other));
  expect(await enable('ttl', false)).toMatchObject({ statusCode: 200 });
  await put('stays', { ttl: inMs(0) });
  await pass(3 * DAY_MS);
  expect(await remaining()).toEqual(['stays']);
});

test('a table that does not exist has no time to live', async () => {
  for (const operation of ['DescribeTimeToLive', 'UpdateTimeToLive']) {
    const answer = await call(service, operation, { TableName: 'Nowhere' });
    expect(answer).toMatchObject({ body: { __type: expect.stringContaining('#ResourceNotFoundException') } });
  }
});
