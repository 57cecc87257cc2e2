import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { METRICS } from '../../server/config.ts';

test('docs/deploy.md lists every metric with its meaning', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8');
  const [, table = ''] = /^\| metric \| counts \|\n\|.+\|\n((?:\|.+\|\n)+)/m.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, name, counts]) => [name, counts]);
  expect(rows).toEqual(Object.entries(METRICS));
});
