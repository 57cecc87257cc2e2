import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CDK_NAMES_FILE, cdkNames } from '../installation/cdk-names.ts';

test('the construct imports what the oldest CDK has that package.json allows', () => {
  // A name that is new here has to be looked for there: `npm run installations` does, and then writes the list.
  expect(cdkNames()).toBe(readFileSync(CDK_NAMES_FILE, 'utf8'));
});
