import { expect, test } from 'vitest';
import type { Clock } from '../../../../local/clock.ts';
import { NO_FAULTS } from '../../../../local/faults.ts';
import { MAX_IN_FLIGHT } from '../../../../local/sqs/limits.ts';
import { openQueue, type Queue, type SendInput } from '../../../../local/sqs/queue.ts';
import { readQueue } from '../../../../local/sqs/queue-configuration.ts';
import { resource } from '../../../support/aws-server.ts';

const NO_STORE = { load: async () => [], put: async () => undefined, delete: async () => undefined };

/** Time does not matter here, and a real clock would start 120,000 timers. */
const STANDING_CLOCK: Clock = {
  timeScale: 1,
  now: () => 0,
  after: () => () => undefined,
  sleep: async () => undefined,
};

function open(): Promise<Queue> {
  const options = { clock: STANDING_CLOCK, faults: NO_FAULTS, store: NO_STORE, find: () => undefined };
  return openQueue(readQueue(resource('AWS::SQS::Queue', {})), options);
}

const messages = (count: number): SendInput[] =>
  Array.from({ length: count }, (_, i) => ({ body: String(i), senderId: 'test' }));

test('more than 120,000 messages in flight are over the limit; a long poll just ends empty', async () => {
  const queue = await open();
  await queue.send(messages(MAX_IN_FLIGHT + 1));
  expect(await queue.receive({ maxMessages: Number.POSITIVE_INFINITY })).toHaveLength(MAX_IN_FLIGHT);
  await expect(queue.receive({ maxMessages: 1 })).rejects.toMatchObject({ code: 'OverLimit' });
  const polling = queue.receive({ maxMessages: 1, waitSeconds: 20, signal: AbortSignal.abort() });
  expect(await polling).toEqual([]);
}, 20_000);

test('an aborted long poll ends empty, and takes no message', async () => {
  const queue = await open();
  const abort = new AbortController();
  const polling = queue.receive({ maxMessages: 1, waitSeconds: 20, signal: abort.signal });
  abort.abort();
  expect(await polling).toEqual([]);
  await queue.send(messages(1));
  expect(queue.counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
});

test('closing ends long polls', async () => {
  const queue = await open();
  const polling = queue.receive({ maxMessages: 1, waitSeconds: 20 });
  queue.close();
  expect(await polling).toEqual([]);
});
