import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { check, type Flags, missingPackages } from './spin.ts';
import { ENDING_RULES, SCENARIOS, VARIANTS } from './variants.ts';

const missing = await missingPackages();
const advice = `the model was not checked: install the Debian packages ${missing.join(', ')}`;

const words = (flags: Flags) =>
  Object.entries(flags)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

describe.runIf(missing.length > 0)('the delivery protocol', () => {
  test('is checked with Spin', ({ skip }) => {
    if (process.env['CI']) expect.fail(advice);
    skip(advice);
  });
});

describe.runIf(missing.length === 0)('the delivery protocol', () => {
  test.for(Object.entries(SCENARIOS))('keeps its promise: %s', async ([, bounds]) => {
    const { outcome, story } = await check(bounds, { isLong: true });
    expect(outcome, story).toBe('holds');
  });

  test.for(VARIANTS.map((variant) => ({ ...variant, flags: words(variant.without) })))(
    'breaks its promise with $flags: $scenario',
    async ({ scenario, without, outcome: expected }) => {
      const { outcome } = await check({ ...SCENARIOS[scenario], ...without }, { isLong: false });
      expect(outcome).toBe(expected);
    },
  );
});

describe.runIf(missing.length === 0)('the end of a connection', () => {
  test('leaves no mapping that the next post does not find, and loses no message', async () => {
    const { outcome, story } = await check({}, { isLong: false, model: 'ending' });
    expect(outcome, story).toBe('holds');
  });

  test.for(Object.entries(ENDING_RULES))('breaks this without the rule %s', async ([rule, outcome]) => {
    expect((await check({ [rule]: 0 }, { isLong: false, model: 'ending' })).outcome).toBe(outcome);
  });
});

const text = (name: string) => readFile(new URL(`../../docs/model/${name}`, import.meta.url), 'utf8');

describe('the documentation of the model', () => {
  test('the tests remove every rule of the model once', async () => {
    const [rules = ''] = (await text('rules.pml')).split('/* ---- the world');
    const names = [...rules.matchAll(/^#ifndef (\w+)$/gm)].map(([, name]) => name);
    const taken = VARIANTS.flatMap(({ without }) => Object.keys(without));
    expect(names.length).toBeGreaterThan(20);
    expect(taken).toEqual(expect.arrayContaining(names));
    const ending = [...(await text('ending.pml')).matchAll(/^#ifndef (\w+)$/gm)].map(([, name]) => name);
    expect(ending).toEqual([...Object.keys(ENDING_RULES), 'CRASHES']);
  });
});
