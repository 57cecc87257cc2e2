import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createManualClock } from '../support/manual-clock.ts';
import { type SqsBench, startSqsBench } from '../support/sqs.ts';

let dataDirectory: string;

beforeEach(() => {
  dataDirectory = mkdtempSync(path.join(tmpdir(), 'sqs-durability-'));
});

afterEach(() => {
  rmSync(dataDirectory, { recursive: true, force: true });
});

const clock = createManualClock(Date.now());

function start(): Promise<SqsBench> {
  return startSqsBench({ dataDirectory, clock });
}

test('messages outlive a restart, with their visibility and receive counts', async () => {
  const QueueName = 'durable';
  const first = await start();
  const url = await first.queue({ QueueName, VisibilityTimeout: 30 });
  for (const body of ['deleted', 'in flight', 'waiting']) await first.send(url, body);
  const [deleted] = await first.receive(url, { MaxNumberOfMessages: 1 });
  await first.sqs.queues.find('arn:aws:sqs:us-east-1:000000000000:durable')?.delete(deleted?.ReceiptHandle ?? '');
  const [inFlight] = await first.receive(url, { MaxNumberOfMessages: 1 });
  expect(inFlight?.Body).toBe('in flight');
  await first.close();

  const second = await start();
  await second.queue({ QueueName, VisibilityTimeout: 30 });
  expect((await second.receive(url)).map(({ Body }) => Body)).toEqual(['waiting']);
  clock.advance(30_000);
  const again = await second.receive(url, { MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
  expect(again.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]).sort()).toEqual([
    ['in flight', '2'],
    ['waiting', '2'],
  ]);
  await second.close();
});

test('after SIGKILL in the middle of sending, every acknowledged message is there', async () => {
  const acknowledged = await sendUntilKilled(300);
  const bench = await start();
  await bench.queue({ QueueName: 'durable' });
  const found = new Set<string | undefined>();
  for (;;) {
    const messages = await bench.receive('https://sqs.us-east-1.amazonaws.com/000000000000/durable');
    if (messages.length === 0) break;
    for (const { Body } of messages) found.add(Body);
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(300);
  expect(acknowledged.filter((body) => !found.has(body))).toEqual([]);
  await bench.close();
});

test('a data directory that cannot be read is named', async () => {
  const first = await start();
  await first.close();
  writeFileSync(path.join(dataDirectory, 'sqs', 'CURRENT'), 'nonsense\n');
  await expect(start()).rejects.toThrow(new RegExp(`${path.join(dataDirectory, 'sqs')} cannot be read`));
});

test('a data directory that another process uses is named', async () => {
  const first = await start();
  await expect(start()).rejects.toThrow(/in use by another process/);
  await first.close();
});

/** Gives what was acknowledged before the process died. */
async function sendUntilKilled(count: number): Promise<string[]> {
  const writer: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('../support/sqs-writer.ts', import.meta.url)), dataDirectory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  writer.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > count) writer.kill('SIGKILL');
  });
  await new Promise((resolve) => writer.once('close', resolve));
  expect(writer.signalCode).toBe('SIGKILL');
  // The last line may have been cut.
  return output.split('\n').slice(0, -1);
}
