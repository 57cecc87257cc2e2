import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KINDS } from '../../server/aws/tables.ts';

const ADAPTERS = join(import.meta.dirname, '../../server/aws');

/** Matches text that begins like a key: a name, then "#". */
const PREFIX = /['"`]([a-z]+)#/g;

const prefixesIn = (file: string) =>
  [...readFileSync(join(ADAPTERS, file), 'utf8').matchAll(PREFIX)].map(([, prefix]) => prefix);

test('no adapter builds a key itself: only the declaration of the tables has key prefixes', () => {
  const others = readdirSync(ADAPTERS, { recursive: true, encoding: 'utf8' }).filter((file) => file !== 'tables.ts');
  expect(others.length).toBeGreaterThan(10);
  expect(others.flatMap((file) => prefixesIn(file).map((prefix) => `${file}: ${prefix}#`))).toEqual([]);
  expect(prefixesIn('tables.ts')).toContain('subscriptions');
});

test('the picture of the tables shows each kind of item', () => {
  const source = readFileSync(join(ADAPTERS, 'tables.ts'), 'utf8');
  const picture = source.slice(0, source.indexOf('*/'));
  for (const name of Object.keys(KINDS)) expect(picture).toContain(` ${name}: `);
});
