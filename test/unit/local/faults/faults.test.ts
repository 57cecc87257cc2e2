import { expect, test, vi } from 'vitest';
import type { Clock } from '../../../../local/clock.ts';
import { createFaults, type FaultSubject } from '../../../../local/faults.ts';

let nowMs = 0;
const clock = {
  timeScale: 1,
  now: () => nowMs,
  after: () => () => undefined,
  sleep: async () => undefined,
} satisfies Clock;

function faultsOf(rules: object[], { seed = 1, log = () => undefined } = {}) {
  nowMs = 1_000_000;
  return createFaults({ seed, rules }, { clock, log });
}

/** One letter a strike: the kind's first, or a dot for none. */
function strikes(
  faults: ReturnType<typeof faultsOf>,
  count = 200,
  subject: FaultSubject = { operation: 'PutItem' },
): string {
  return Array.from({ length: count }, () => faults.strike('dynamodb', subject)?.kind[0] ?? '.').join('');
}

const throttle = { point: 'dynamodb', kind: 'throttle', probability: 0.1 };
const lost = { point: 'dynamodb', kind: 'lost', probability: 0.1 };

test('the same seed decides the same, another one does not', () => {
  const first = strikes(faultsOf([throttle]));
  expect(strikes(faultsOf([throttle]))).toBe(first);
  expect(strikes(faultsOf([throttle], { seed: 2 }))).not.toBe(first);
});

test('a rule strikes about as often as its probability says', () => {
  const struck = strikes(faultsOf([throttle]), 10_000).replaceAll('.', '').length;
  expect(struck).toBeGreaterThan(900);
  expect(struck).toBeLessThan(1100);
});

test('adding a rule before or after does not shift the decisions of another', () => {
  const alone = strikes(faultsOf([throttle]));
  const other = { point: 'dynamodb', kind: 'lost', probability: 0.3 };
  for (const rules of [
    [throttle, other],
    [other, throttle],
  ]) {
    const together = strikes(faultsOf(rules));
    const shown = [...together].map((letter, index) => (letter === 'l' && alone[index] === 't' ? 't' : letter));
    expect(shown.join('').replaceAll('l', '.')).toBe(alone);
  }
});

test('two equal rules decide independently', () => {
  const both = strikes(faultsOf([throttle, throttle]), 10_000).replaceAll('.', '').length;
  expect(both).toBeGreaterThan(1600);
});

test('of two rules that strike at once the first does', () => {
  const always = { point: 'dynamodb', kind: 'error' };
  expect(strikes(faultsOf([always, { ...throttle, probability: 1 }]), 3)).toBe('eee');
});

test('a limit ends a rule, and only strikes count', () => {
  const faults = faultsOf([{ ...throttle, limit: 3 }]);
  expect(strikes(faults, 1000).replaceAll('.', '')).toBe('ttt');
  expect(faults.counts()).toEqual({ 'dynamodb/throttle': 3 });
});

test.each([
  [{ operation: 'PutItem' }, { operation: 'PutItem', table: 'T' }, true],
  [{ operation: 'PutItem' }, { operation: 'GetItem', table: 'T' }, false],
  [{ operation: 'PutItem' }, { table: 'T' }, false],
  [{ table: '*Messages*' }, { table: 'Chat-Messages-1a2b' }, true],
  [{ table: 'Chat-*-1a2b' }, { table: 'Chat-Messages-1a2b' }, true],
  [{ table: 'a*a' }, { table: 'a' }, false],
  [{ table: 'a*b*c' }, { table: 'a-b-c' }, true],
  [{ table: 'a*b*bc' }, { table: 'a-bc' }, false],
  [{ table: '*' }, { table: '' }, true],
  [{ toString: '*' }, {}, false],
])('the match %j is for %j: %s', (match, subject, expected) => {
  const faults = faultsOf([{ point: 'dynamodb', kind: 'error', match }]);
  expect(faults.strike('dynamodb', subject) !== undefined).toBe(expected);
});

test('a rule strikes from afterMs until untilMs', () => {
  const faults = faultsOf([{ point: 'dynamodb', kind: 'error', afterMs: 100, untilMs: 200 }]);
  const at = (elapsedMs: number) => {
    nowMs = 1_000_000 + elapsedMs;
    return faults.strike('dynamodb', {}) !== undefined;
  };
  expect([99, 100, 199, 200].map(at)).toEqual([false, true, true, false]);
});

test('a rule is for its point, and for a kind that can strike there', () => {
  const faults = faultsOf([{ ...lost, probability: 1 }]);
  expect(faults.strike('post', {})).toBeUndefined();
  expect(faults.strike('dynamodb', {}, ['throttle'])).toBeUndefined();
  expect(faults.strike('dynamodb', {}, ['lost'])).toEqual({ kind: 'lost', delayMs: 0 });
});

test('delays are spread between their bounds', () => {
  const faults = faultsOf([{ point: 'sqs', kind: 'late', minDelayMs: 100, maxDelayMs: 200 }]);
  const delays = Array.from({ length: 500 }, () => faults.strike('sqs', {})?.delayMs ?? Number.NaN);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...delays)).toBeLessThanOrEqual(200);
  expect(new Set(delays).size).toBeGreaterThan(80);
});

test('each strike is logged', () => {
  const log = vi.fn();
  const faults = faultsOf([{ point: 'sqs', kind: 'late', minDelayMs: 5, maxDelayMs: 5 }], { log });
  faults.strike('sqs', { queue: 'tasks' });
  faults.strike('post', {});
  const struck = { at: 1_000_000, point: 'sqs', kind: 'late', delayMs: 5, subject: { queue: 'tasks' } };
  expect(faults.log()).toEqual([struck]);
  expect(log.mock.calls).toEqual([
    [{ level: 'info', source: 'faults', message: 'sqs: late', detail: { delayMs: 5, queue: 'tasks' } }],
  ]);
});
