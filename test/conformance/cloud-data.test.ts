/** Data that outlives the process, and data directories that cannot be used. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../local/index.ts';
import { adminClient, startFixture } from '../support/local-cloud.ts';

let dataDirectory: string;
let running: LocalCloud[] = [];

beforeEach(() => {
  dataDirectory = join(mkdtempSync(join(tmpdir(), 'cloud-data-')), 'data');
});

afterEach(async () => {
  for (const cloud of running) await cloud.close();
  running = [];
  rmSync(join(dataDirectory, '..'), { recursive: true });
});

async function start(port = 0): Promise<LocalCloud> {
  const cloud = await startFixture('scan-chat', { dataDirectory, port });
  running.push(cloud);
  return cloud;
}

async function stop(cloud: LocalCloud): Promise<void> {
  await cloud.close();
  running = running.filter((other) => other !== cloud);
}

describe('a data directory', () => {
  test('keeps the items of tables', async () => {
    const key = { connectionId: { S: 'abc=' } };
    const first = await start();
    const TableName = 'simplechat_connections';
    await new DynamoDBClient(adminClient(first)).send(
      new PutItemCommand({ TableName, Item: { ...key, n: { N: '1' } } }),
    );
    await stop(first);
    const second = await start();
    const { Item } = await new DynamoDBClient(adminClient(second)).send(new GetItemCommand({ TableName, Key: key }));
    expect(Item).toEqual({ ...key, n: { N: '1' } });
  });

  test("keeps the issuer's key, so that tokens outlive a restart", async () => {
    const first = await start();
    const token = await first.token({ sub: 'bob' });
    const port = Number(new URL(first.endpointUrl).port);
    await stop(first);
    const second = await start(port);
    const keys = createRemoteJWKSet(new URL(`${second.endpointUrl}/_local/.well-known/jwks.json`));
    expect((await jwtVerify(token, keys)).payload.sub).toBe('bob');
  });

  test('keeps the names of things', async () => {
    const first = await start();
    await stop(first);
    expect((await start()).outputs).toEqual(first.outputs);
  });

  test('belongs to one local cloud at a time', async () => {
    await start();
    await expect(start()).rejects.toThrow(
      `The data directory ${join(dataDirectory, 'dynamodb')} is in use by another process. Stop that one, or choose another directory.`,
    );
  });
});

describe('an error about a data directory is one sentence', () => {
  test('that is a file', async () => {
    writeFileSync(dataDirectory, '');
    await expect(start()).rejects.toThrow(`cannot write to the data directory ${dataDirectory} (EEXIST`);
  });

  test.skipIf(process.getuid?.() === 0)('that may not be written to', async () => {
    mkdirSync(dataDirectory);
    chmodSync(dataDirectory, 0o500);
    await expect(start()).rejects.toThrow(`cannot write to the data directory ${dataDirectory} (EACCES`);
  });

  test('whose tables are corrupt', async () => {
    await stop(await start());
    writeFileSync(join(dataDirectory, 'dynamodb/CURRENT'), 'nonsense');
    await expect(start()).rejects.toThrow(new RegExp(`${join(dataDirectory, 'dynamodb')}.*corrupt`, 'i'));
  });

  test("whose issuer's key is corrupt", async () => {
    await stop(await start());
    const file = join(dataDirectory, 'issuer-key.json');
    writeFileSync(file, '{"kty": "EC"');
    await expect(start()).rejects.toThrow(
      `${file} does not contain the issuer's key; delete the file to get a new key`,
    );
  });
});
