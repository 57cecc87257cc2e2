import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';

const KB = 1024;

/** The budgets of the handlers' bundles, in bytes. All that use DynamoDB or post share one budget. */
const BUDGET_BYTES: Readonly<Record<string, number>> = { connect: 5 * KB, authorize: 60 * KB };
const WITH_SDK_BUDGET_BYTES = 420 * KB;

/** The bundle of each of Beckon's functions in the synthesized template. */
function bundles(): { name: string; path: string }[] {
  const app = inject('app');
  const template = JSON.parse(readFileSync(join(app, 'Beckon.template.json'), 'utf8'));
  const resources = Object.entries<{ Type: string; Properties: { Code?: { S3Key?: string } } }>(template.Resources);
  return resources.flatMap(([logicalId, { Type, Properties }]) => {
    const name = /^Beckon(\w+)[0-9A-F]{8}$/.exec(logicalId)?.[1];
    const hash = Properties.Code?.S3Key?.replace(/\.zip$/, '');
    return Type === 'AWS::Lambda::Function' && name ? [{ name, path: join(app, `asset.${hash}`, 'index.mjs') }] : [];
  });
}

test('there is one bundle for each file in lambdas/', () => {
  const files = readdirSync(join(import.meta.dirname, '../../lambdas')).map((file) => file.replace(/\.ts$/, ''));
  expect(
    bundles()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(files.toSorted());
});

test('each bundle is within its budget', () => {
  for (const { name, path } of bundles()) {
    expect(statSync(path).size, name).toBeLessThanOrEqual(BUDGET_BYTES[name] ?? WITH_SDK_BUDGET_BYTES);
  }
});

test('connect has no DynamoDB code, and authorize has no SDK', () => {
  for (const { name, path } of bundles()) {
    if (!(name in BUDGET_BYTES)) continue;
    const bundle = readFileSync(path, 'utf8');
    expect(bundle, name).not.toMatch(/DynamoDBClient|@smithy|@aws-sdk/);
    if (name !== 'authorize') expect(bundle, name).not.toContain('DynamoDB');
  }
});
