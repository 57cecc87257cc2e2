import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CDK_NAMES_FILE, cdkNames } from '../installation/cdk-names.ts';

test('the construct imports only names that the oldest CDK in package.json has', () => {
  // `npm run installations` looks for new names in the oldest CDK, and then writes the list.
  expect(cdkNames()).toBe(readFileSync(CDK_NAMES_FILE, 'utf8'));
});
