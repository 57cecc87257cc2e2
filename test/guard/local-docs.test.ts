/** docs/local.md agrees with the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { USAGE } from '../../cli/usage.ts';
import { createClock } from '../../local/clock.ts';
import { FAULT_KINDS } from '../../local/fault-plan.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { CONDITION_KEYS } from '../../local/iam/condition-keys.ts';
import { CONDITION_OPERATORS } from '../../local/iam/conditions.ts';
import { createIam } from '../../local/iam/iam.ts';
import { AWS_MANAGED_POLICIES } from '../../local/iam/managed-policies.ts';
import { readOptions } from '../../local/options.ts';
import { createServices, type Services } from '../../local/services.ts';
import { NESTED_STACK } from '../../local/template/catalogue.ts';
import { CONDITION_FUNCTIONS, FUNCTIONS } from '../../local/template/functions.ts';
import { INERT_TYPES } from '../../local/template/inert.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/local.md'), 'utf8');

let services: Services;
const clock = createClock();
const iam = createIam({ clock, onCheck: () => {} });

beforeAll(async () => {
  const settings = readOptions({ app: 'any' });
  const endpoint = { host: '127.0.0.1', port: 1 };
  services = await createServices({ clock, faults: NO_FAULTS, iam, log: () => {}, settings, endpoint });
});
afterAll(() => services.close());

/** Reads the resource types from the table with a row for each group: `` | `AWS::SQS::` | `Queue` … | ``. */
function documentedTypes(): string[] {
  return [...text.matchAll(/^\| `(AWS::\w+::)` \| (.*) \|$/gm)].flatMap(([, group = '', names = '']) =>
    [...names.replace(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, name = '']) => group + name),
  );
}

describe('docs/local.md names', () => {
  test('exactly the supported resource types', () => {
    const provided = [...iam.providers, ...[...services.byName.values()].flatMap(({ providers }) => providers)];
    expect(documentedTypes().sort()).toEqual([...provided.map(({ type }) => type), NESTED_STACK].sort());
  });

  test.each([...INERT_TYPES.keys()])('the inert type %s', (type) => {
    expect(text).toContain(`\`${type}\``);
  });

  test.each([...FUNCTIONS.keys(), ...CONDITION_FUNCTIONS.keys()])('the function %s', (name) => {
    expect(text).toContain(`\`${name}\``);
  });

  test.each([...CONDITION_KEYS])('the condition key %s', (key) => {
    expect(text.toLowerCase()).toContain(`\`${key}\``);
  });

  test.each([...CONDITION_OPERATORS])('the condition operator %s', (operator) => {
    expect(text).toContain(`\`${operator}\``);
  });

  test.each(AWS_MANAGED_POLICIES)('the managed policy %s', (policy) => {
    expect(text).toContain(`\`${policy.replace('service-role/', '')}\``);
  });

  test.each(Object.entries(FAULT_KINDS))('the faults of %s', (point, kinds) => {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${point}\` |`)) ?? '';
    for (const kind of kinds) expect(row).toContain(`\`${kind}\``);
  });

  test('the options of the command line', () => {
    const options = [...USAGE.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option = '']) => option);
    const ofManage = ['--function', '--stack', '--connection', '--reason', '--reconnect'];
    const ofOthers = ['--no-open', '--app', '--url', '--claim', ...ofManage];
    for (const option of options.filter((each) => !ofOthers.includes(each))) expect(text).toContain(`| \`${option}`);
  });

  test.each(Array.from({ length: 18 }, (_, index) => index + 1))('point %i of API Gateway', (point) => {
    expect(text).toMatch(new RegExp(`^\\| ${point} \\| `, 'm'));
  });
});
