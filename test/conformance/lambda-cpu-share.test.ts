/**
 * The part of a processor that a function gets, as an option: "at 1,769 MB, a function has the equivalent of one vCPU"
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LambdaBench, startLambdaBench } from '../support/lambda.ts';

let bench: LambdaBench;

beforeAll(async () => {
  bench = await startLambdaBench({ sharesCpu: true });
});

afterAll(() => bench.close());

/** Computes and waits, in as many slices as the event says. Prints each slice. */
const SLICES = `
  const compute = (ms) => { for (const end = performance.now() + ms; performance.now() < end;); };
  exports.handler = async ({ slices, computeMs, waitMs }) => {
    for (let slice = 1; slice <= slices; slice += 1) {
      compute(computeMs);
      console.log('slice ' + slice);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  };`;

/** Returns the handler's duration, as its report says. */
async function durationMs(MemorySize: number, event: object): Promise<number> {
  const name = await bench.deploy(SLICES, { MemorySize });
  await bench.invoke(name, { slices: 1, computeMs: 0, waitMs: 0 });
  const { logTail } = await bench.invoke(name, event, { LogType: 'Tail' });
  return Number(/Duration: ([\d.]+) ms/.exec(logTail)?.[1]);
}

describe('the time of a handler', () => {
  test('that computes grows with the part of a processor that it lacks', async () => {
    const event = { slices: 1, computeMs: 40, waitMs: 0 };
    expect(await durationMs(1769, event)).toBeLessThan(40 * 5);
    // 40 ms at 0.0724 of a processor.
    expect(await durationMs(128, event)).toBeGreaterThan(40 * 12);
  });

  test('that waits does not', async () => {
    expect(await durationMs(128, { slices: 1, computeMs: 0, waitMs: 200 })).toBeLessThan(200 * 3);
  });
});

test('a handler that is too slow for its memory runs into its timeout, with its later work undone', async () => {
  const name = await bench.deploy(SLICES, { MemorySize: 128, Timeout: 1 });
  // 20 slices of 10 ms take 0.2 s of a whole processor, and 2.8 s of this one.
  const { payload } = await bench.invoke(name, { slices: 20, computeMs: 10, waitMs: 1 });
  expect(payload).toMatchObject({ errorType: 'Sandbox.Timedout' });
  const printed = bench.log.filter(({ source, message }) => source === name && message.startsWith('slice'));
  expect(printed.length).toBeGreaterThan(0);
  expect(printed.length).toBeLessThan(10);
});

test('without the option, a function has a whole processor', async () => {
  const whole = await startLambdaBench();
  const name = await whole.deploy(SLICES, { MemorySize: 128 });
  await whole.invoke(name, { slices: 1, computeMs: 0, waitMs: 0 });
  const { logTail } = await whole.invoke(name, { slices: 1, computeMs: 40, waitMs: 0 }, { LogType: 'Tail' });
  expect(Number(/Duration: ([\d.]+) ms/.exec(logTail)?.[1])).toBeLessThan(40 * 5);
  await whole.close();
});
