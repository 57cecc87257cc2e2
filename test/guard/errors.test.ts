import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCodeInfo } from '../../protocol/index.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');

test('docs/errors.md lists the codes with the texts of the code table', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (yes|no) \| (.+) \|$/gm)].map(([, code, retryable, end = '']) => [
    code,
    {
      retryable: retryable === 'yes',
      closeCode: /close (\d+)/.exec(end)?.[1],
      httpStatus: /with (\d+)/.exec(end)?.[1],
    },
  ]);
  const table = Object.entries<ErrorCodeInfo>(ERROR_CODES).map(([code, { retryable, closeCode, httpStatus }]) => [
    code,
    { retryable, closeCode: closeCode?.toString(), httpStatus: httpStatus?.toString() },
  ]);
  expect(rows).toEqual(table);
});

test('docs/errors.md has a remedy for each code', () => {
  const advice = page.slice(page.indexOf('## What to do'));
  for (const code of Object.keys(ERROR_CODES)) expect(advice).toContain(`\`${code}\``);
});
