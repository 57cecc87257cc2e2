import { expect, test } from 'vitest';
import { readFaultPlan } from '../../../../local/fault-plan.ts';

const withRule = (rule: object) => ({ seed: 1, rules: [{ point: 'sqs', kind: 'late', ...rule }] });

test('the defaults are filled in', () => {
  expect(
    readFaultPlan({
      seed: 1,
      rules: [
        { point: 'post', kind: 'ghost' },
        { point: 'post', kind: 'hang' },
      ],
    }),
  ).toEqual({
    seed: 1,
    rules: [
      { point: 'post', kind: 'ghost', probability: 1, match: {}, afterMs: 0, minDelayMs: 0, maxDelayMs: 0 },
      { point: 'post', kind: 'hang', probability: 1, match: {}, afterMs: 0, minDelayMs: 0, maxDelayMs: 1000 },
    ],
  });
});

test('a minimum above the default maximum moves it', () => {
  expect(readFaultPlan(withRule({ minDelayMs: 5000 })).rules[0]).toMatchObject({ minDelayMs: 5000, maxDelayMs: 5000 });
});

test.each([
  [{}, 'seed: expected "seed", got undefined'],
  [{ seed: 1.5, rules: [] }, 'seed: expected an integer, got 1.5'],
  [3, 'its root: expected Object, got 3'],
  [{ seed: 1, rules: [], seeds: 1 }, 'seeds: expected one of the fields seed, rules, got "seeds"'],
  [withRule({ probabilty: 1 }), 'rules.0.probabilty: expected one of the fields point, kind, probability, match'],
  [withRule({ point: 'sns' }), 'rules.0.point: expected ("dynamodb" | "post" | "lambda"'],
  [withRule({ kind: 'lost' }), 'rules.0.kind: expected ("duplicate" | "late"), got "lost"'],
  [withRule({ probability: 2 }), 'rules.0.probability: expected <=1, got 2'],
  [withRule({ limit: 0 }), 'rules.0.limit: expected >=1, got 0'],
  [withRule({ match: { queue: 1 } }), 'rules.0.match.queue: expected string, got 1'],
  [
    withRule({ kind: 'duplicate', minDelayMs: 1 }),
    'rules.0: expected neither minDelayMs nor maxDelayMs for the kind duplicate',
  ],
  [withRule({ minDelayMs: 20, maxDelayMs: 10 }), 'rules.0: expected a maxDelayMs of at least minDelayMs, 20, got 10'],
])('%j is refused, saying why', (plan, reason) => {
  expect(() => readFaultPlan(plan)).toThrow(`The fault plan is wrong at ${reason}`);
});
