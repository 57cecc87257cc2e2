import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import type { AwsService } from '../../local/service.ts';
import { call } from '../support/aws-server.ts';

const TableName = 'Crash';
const LINES_BEFORE_KILL = 1500;
const WRITER = fileURLToPath(new URL('../support/dynamodb-writer.ts', import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crash-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Lets the writer run, kills it in the middle of its writes, and gives what it had acknowledged. */
async function writeUntilKilled(): Promise<string[]> {
  const writer = spawn(process.execPath, ['--import', 'tsx', WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(writer, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line);
    if (lines.length === LINES_BEFORE_KILL) writer.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return lines;
}

async function keysOf(service: AwsService, more: object = {}): Promise<Set<string>> {
  const keys = new Set<string>();
  let ExclusiveStartKey: unknown;
  do {
    const { body } = await call(service, 'Scan', { TableName, ExclusiveStartKey, ...more });
    for (const item of body['Items'] as { pk: { S: string } }[]) keys.add(item.pk.S);
    ExclusiveStartKey = body['LastEvaluatedKey'];
  } while (ExclusiveStartKey);
  return keys;
}

test('killed amid writes, it comes back with every acknowledged write, and indexes that agree', {
  timeout: 60_000,
}, async () => {
  const lines = await writeUntilKilled();
  const service = await createDynamoDb({
    clock: createClock(),
    faults: NO_FAULTS,
    authorize: () => undefined,
    log: () => undefined,
    dataDirectory: folder,
  });
  const items = await keysOf(service);
  const deleted = new Set(
    lines.filter((line) => line.startsWith('delete ')).map((line) => line.slice('delete '.length)),
  );
  const put = lines.filter((line) => line.startsWith('put ')).map((line) => line.slice('put '.length));
  // Every third is being deleted: whether that was acknowledged or not, it may have happened.
  const kept = put.filter((index) => Number(index) % 3 !== 0);
  expect(kept.filter((index) => !items.has(`item-${index}`))).toEqual([]);
  expect([...deleted].filter((index) => items.has(`item-${index}`))).toEqual([]);
  expect(await keysOf(service, { IndexName: 'byParity' })).toEqual(items);
  expect(kept.length).toBeGreaterThan(500);
  await service.close();
});
