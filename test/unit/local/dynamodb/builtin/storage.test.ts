import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  MAX_STALENESS_MS,
  openStorage,
  type Range,
  type Reader,
  type Storage,
} from '../../../../../local/dynamodb/builtin/storage.ts';
import { createSteppedClock } from '../../../../support/stepped-clock.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'storage-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const put = (key: string, value: unknown) => ({ type: 'put', key, value }) as const;
const del = (key: string) => ({ type: 'del', key }) as const;

async function values(reader: Reader, range: Range = {}): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const value of reader.values(range)) found.push(value);
  return found;
}

describe.each([
  ['in memory', () => undefined],
  ['on disk', () => folder],
])('%s', (_name, directoryOf) => {
  const clock = createSteppedClock();
  let storage: Storage;

  beforeEach(async () => {
    const directory = directoryOf();
    storage = await openStorage({ clock, remembersPast: true, ...(directory !== undefined && { directory }) });
  });

  afterEach(() => storage.close());

  test('what was put is got, and what was deleted is not', async () => {
    await storage.commit([put('a', { n: 1 }), put('b', { n: 2 })]);
    await storage.commit([del('a'), put('b', { n: 3 })]);
    expect([storage.get('a'), storage.get('b'), storage.get('c')]).toEqual([undefined, { n: 3 }, undefined]);
  });

  test('ranges have bounds, a direction and a limit', async () => {
    await storage.commit(['a', 'b', 'c', 'd'].map((key) => put(key, key)));
    expect(await values(storage, { gt: 'a', lte: 'c' })).toEqual(['b', 'c']);
    expect(await values(storage, { gte: 'b', reverse: true, limit: 2 })).toEqual(['d', 'c']);
    expect(await values(storage, { lt: 'c', limit: -1 })).toEqual(['a', 'b']);
  });

  test('a range of many values is whole and in order', async () => {
    const keys = Array.from({ length: 1000 }, (_, index) => String(index).padStart(4, '0'));
    await storage.commit(keys.map((key) => put(key, key)));
    expect(await values(storage)).toEqual(keys);
  });

  test('the past is as it was: before a change, before a deletion, before there was anything', async () => {
    const empty = clock.now();
    await clock.advance(100);
    await storage.commit([put('a', 1), put('b', 1)]);
    await clock.advance(100);
    const full = clock.now();
    await clock.advance(100);
    await storage.commit([put('a', 2), del('b')]);
    await clock.advance(100);

    expect(await values(storage.asOf(empty))).toEqual([]);
    expect(storage.asOf(empty).get('a')).toBeUndefined();
    expect(await values(storage.asOf(full))).toEqual([1, 1]);
    expect(storage.asOf(full).get('a')).toBe(1);
    expect(await values(storage.asOf(clock.now()))).toEqual([2]);
  });

  test('the past does not go back further than it says', async () => {
    await storage.commit([put('a', 1)]);
    const first = clock.now();
    await clock.advance(1000);
    await storage.commit([put('a', 2)]);
    await clock.advance(MAX_STALENESS_MS);
    await storage.commit([put('a', 3)]);
    await clock.advance(1);
    expect(storage.asOf(first).get('a')).toBe(1);
    await clock.advance(1000);
    await storage.commit([put('a', 4)]);
    expect(storage.asOf(first).get('a')).toBe(2);
  });
});

test('a folder keeps its content', async () => {
  const first = await openStorage({ clock: createSteppedClock(), directory: folder });
  await first.commit([put('a', 1)]);
  await first.close();
  const second = await openStorage({ clock: createSteppedClock(), directory: folder });
  expect(second.get('a')).toBe(1);
  await second.close();
});

test('a folder that is in use is named', async () => {
  const directory = join(folder, 'data');
  const first = await openStorage({ clock: createSteppedClock(), directory });
  await expect(openStorage({ clock: createSteppedClock(), directory })).rejects.toThrow(
    `The data directory ${directory} is in use by another process`,
  );
  await first.close();
});

test('a folder that is damaged is named', async () => {
  const first = await openStorage({ clock: createSteppedClock(), directory: folder });
  await first.commit([put('a', 1)]);
  await first.close();
  writeFileSync(join(folder, 'CURRENT'), 'nonsense');
  await expect(openStorage({ clock: createSteppedClock(), directory: folder })).rejects.toThrow(
    `The data directory ${folder} cannot be read as a database`,
  );
});

test('a write that fails names the folder', async () => {
  const storage = await openStorage({ clock: createSteppedClock(), directory: folder });
  await storage.close();
  await expect(storage.commit([put('a', 1)])).rejects.toThrow(`cannot write the tables to ${folder}`);
});
