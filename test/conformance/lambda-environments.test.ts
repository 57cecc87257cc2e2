import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createFaults } from '../../local/faults.ts';
import { eventually } from '../support/eventually.ts';
import { type LambdaBench, startLambdaBench } from '../support/lambda.ts';
import { createManualClock } from '../support/manual-clock.ts';

let bench: LambdaBench;

beforeAll(async () => {
  process.env['PLANTED_SECRET'] = 'of the machine';
  bench = await startLambdaBench();
});

afterAll(async () => {
  await bench.close();
});

/** Tells environments apart, and counts what each has run. */
const COUNTING = `
  const id = require('node:crypto').randomUUID();
  let count = 0;
  exports.handler = async (event) => {
    if (event.ms) await new Promise((resolve) => setTimeout(resolve, event.ms));
    return { id, count: ++count };
  };`;

interface Counted {
  readonly id: string;
  readonly count: number;
}

describe('environments', () => {
  test('one is reused for the next invocation', async () => {
    const name = await bench.deploy(COUNTING);
    const first = (await bench.invoke(name)).payload as Counted;
    expect((await bench.invoke(name)).payload).toEqual({ id: first.id, count: 2 });
  });

  test('each runs one invocation at a time; concurrent ones get environments of their own', async () => {
    const name = await bench.deploy(COUNTING);
    const answers = await Promise.all([1, 2, 3].map(() => bench.invoke(name, { ms: 300 })));
    const counted = answers.map(({ payload }) => payload as Counted);
    expect(new Set(counted.map(({ id }) => id)).size).toBe(3);
    expect(counted.map(({ count }) => count)).toEqual([1, 1, 1]);
  });

  test('reserved concurrency is a limit: beyond it AWS throttles', async () => {
    const name = await bench.deploy(COUNTING, { ReservedConcurrentExecutions: 1 });
    const running = bench.invoke(name, { ms: 500 });
    await expect(bench.invoke(name, { ms: 500 })).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      $metadata: { httpStatusCode: 429 },
    });
    await expect(running).resolves.toMatchObject({ functionError: undefined });
  });

  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: new accounts may have 10.
  test("the account's quota of concurrent executions is a limit of all functions, and cannot be reserved", async () => {
    const small = await startLambdaBench({ accountConcurrency: 2 });
    onTestFinished(() => small.close());
    const [busy, other] = [await small.deploy(COUNTING), await small.deploy(COUNTING)];
    const running = [small.invoke(busy, { ms: 1000 }), small.invoke(busy, { ms: 1000 })];
    const count = () => small.log.filter(({ message }) => message.startsWith('START')).length;
    await eventually(count).toBe(2);
    await expect(small.invoke(other)).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      $metadata: { httpStatusCode: 429 },
    });
    await Promise.all(running);
    await expect(small.deploy(COUNTING, { ReservedConcurrentExecutions: 1 })).rejects.toThrow(
      "ReservedConcurrentExecutions is 1, and only 0 of the account's 2 are left",
    );
  });

  test('a function whose reserved concurrency is 0 never runs', async () => {
    const name = await bench.deploy(COUNTING, { ReservedConcurrentExecutions: 0 });
    await expect(bench.invoke(name)).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  });

  test('what the handler did not await keeps no response back, and stands still until the next invocation', async () => {
    const name = await bench.deploy(`
      let last = performance.now();
      let longestMs = 0;
      exports.handler = async (event) => {
        if (event.start) setInterval(() => {
          longestMs = Math.max(longestMs, performance.now() - last);
          last = performance.now();
        }, 1);
        // The interval gets its turn before the answer.
        await new Promise((resolve) => setTimeout(resolve, 10));
        return longestMs;
      };`);
    await bench.invoke(name, { start: true });
    await bench.invoke(await bench.deploy(COUNTING), { ms: 200 });
    // It stood still for at least as long as the other function ran, however late it was stopped.
    expect((await bench.invoke(name)).payload).toBeGreaterThanOrEqual(200);
  });
});

describe('the end of an environment', () => {
  test('process.exit is a Runtime.ExitError, and the next invocation starts cold', async () => {
    const name = await bench.deploy(`
      let count = 0;
      exports.handler = async (event) => { if (event.exit !== undefined) process.exit(event.exit); return ++count; };`);
    await bench.invoke(name);
    const { payload, requestId, functionError } = await bench.invoke(name, { exit: 3 });
    expect(functionError).toBe('Unhandled');
    expect(payload).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: exit status 3`,
    });
    expect((await bench.invoke(name)).payload).toBe(1);
    expect((await bench.invoke(name, { exit: 0 })).payload).toMatchObject({
      errorMessage: expect.stringContaining('Runtime exited without providing a reason'),
    });
  });

  test('process.exit while the module loads', async () => {
    const name = await bench.deploy('process.exit(1);');
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Runtime.ExitError' });
  });

  test('an uncaught exception', async () => {
    const name = await bench.deploy(`
      let count = 0;
      exports.handler = async (event) => {
        if (!event.fail) return ++count;
        setTimeout(() => { throw new RangeError('thrown later'); }, 5);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      };`);
    await bench.invoke(name);
    expect((await bench.invoke(name, { fail: true })).payload).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'thrown later',
    });
    expect((await bench.invoke(name)).payload).toBe(1);
  });

  test('an unhandled rejection', async () => {
    const name = await bench.deploy(`
      exports.handler = async () => {
        Promise.reject(new Error('nobody listens'));
        await new Promise((resolve) => setTimeout(resolve, 1000));
      };`);
    expect((await bench.invoke(name)).payload).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'Error: nobody listens',
    });
  });

  test('the timeout ends it: Sandbox.Timedout', async () => {
    const name = await bench.deploy(
      `let count = 0;
      exports.handler = async (event) => { if (event.hang) await new Promise((r) => setTimeout(r, 60_000)); return ++count; };`,
      { Timeout: 1 },
    );
    await bench.invoke(name);
    const { payload, requestId, logTail } = await bench.invoke(name, { hang: true }, { LogType: 'Tail' });
    expect(payload).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after 1.00 seconds`,
    });
    expect(logTail).toMatch(new RegExp(`${requestId} Task timed out after 1\\.00 seconds`));
    expect((await bench.invoke(name)).payload).toBe(1);
  });

  test('the timeout ends a handler that never yields, too', async () => {
    const name = await bench.deploy('exports.handler = async () => { for (;;) {} };', { Timeout: 1 });
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Sandbox.Timedout' });
  });

  test('more memory than MemorySize ends it: Runtime.OutOfMemory', async () => {
    const name = await bench.deploy(
      'exports.handler = async () => { const kept = []; for (;;) kept.push(new Array(10_000).fill({ a: 1 })); };',
      { MemorySize: 128, Timeout: 30 },
    );
    expect((await bench.invoke(name)).payload).toMatchObject({
      errorType: 'Runtime.OutOfMemory',
      errorMessage: expect.stringContaining('signal: killed'),
    });
  });

  test('loading that takes more than 10 seconds is started again, within the timeout of the function', async () => {
    const clock = createManualClock();
    const slow = await startLambdaBench({ clock });
    const marker = path.join(mkdtempSync(path.join(tmpdir(), 'lambda-init-')), 'first');
    const name = await slow.deploy({
      'index.mjs': `
        import { existsSync, writeFileSync } from 'node:fs';
        const isSecond = existsSync(${JSON.stringify(marker)});
        writeFileSync(${JSON.stringify(marker)}, '');
        if (!isSecond) await new Promise((resolve) => setTimeout(resolve, 60_000));
        export const handler = async () => 'loaded';`,
    });
    const invoking = slow.invoke(name);
    await eventually(() => existsSync(marker)).toBe(true);
    clock.advance(10_000);
    expect((await invoking).payload).toBe('loaded');
    expect(slow.log.map(({ message }) => message)).toContain('INIT_REPORT Phase: init Status: timeout');
    rmSync(path.dirname(marker), { recursive: true });
    await slow.close();
  });

  test('close() ends running handlers, whose callers get an error', async () => {
    const other = await startLambdaBench();
    const name = await other.deploy('exports.handler = () => new Promise((r) => setTimeout(r, 60_000));', {
      Timeout: 60,
    });
    const running = other.invoke(name);
    await eventually(() => other.log.some(({ message }) => message.startsWith('START'))).toBe(true);
    const [, answer] = await Promise.allSettled([other.lambda.close(), running]);
    expect(answer).toMatchObject({ value: { payload: { errorType: 'Runtime.ExitError' } } });
    await other.close();
  });
});

describe('process.env', () => {
  const ENV = 'exports.handler = async () => ({ ...process.env });';

  test("holds the function's own variables, Lambda's, the role's credentials, and nothing of the machine", async () => {
    const name = await bench.deploy(ENV, { Environment: { Variables: { TABLE_NAME: 'messages', RETRIES: 3 } } });
    const { payload } = await bench.invoke(name);
    expect(payload).toEqual({
      _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-/),
      TABLE_NAME: 'messages',
      RETRIES: '3',
      LANG: 'en_US.UTF-8',
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
      TZ: ':UTC',
      _HANDLER: 'index.handler',
      AWS_ACCESS_KEY_ID: 'function-role',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'token',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: expect.any(String),
      LAMBDA_TASK_ROOT: expect.any(String),
      LAMBDA_RUNTIME_DIR: '/var/runtime',
    });
  });

  test("is the environment's own copy", async () => {
    const name = await bench.deploy('exports.handler = async () => { process.env.CHANGED = "yes"; };');
    await bench.invoke(name);
    expect(process.env['CHANGED']).toBeUndefined();
  });
});

describe('logs', () => {
  test('what the handler prints is logged under its name, with the request', async () => {
    const name = await bench.deploy(`
      exports.handler = async () => {
        console.log('counted %d', 3, { a: 1 });
        console.warn('careful');
        console.error('wrong');
        console.debug('detail');
        process.stdout.write('written\\n');
      };`);
    const { requestId } = await bench.invoke(name);
    const lines = bench.log.filter(({ source, detail }) => source === name && detail?.['requestId'] === requestId);
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['debug', `START RequestId: ${requestId} Version: $LATEST`],
      ['info', 'counted 3 { a: 1 }'],
      ['warn', 'careful'],
      ['error', 'wrong'],
      ['debug', 'detail'],
      ['info', 'written'],
      ['debug', `END RequestId: ${requestId}`],
      ['debug', expect.stringMatching(/^REPORT/)],
    ]);
  });

  test('the tail of the log has the REPORT line; a cold start tells how long it took to load', async () => {
    const name = await bench.deploy('exports.handler = async () => console.log("hello");', { MemorySize: 256 });
    const cold = await bench.invoke(name, {}, { LogType: 'Tail' });
    const report = (init: string) =>
      new RegExp(
        `REPORT RequestId: \\S+\\tDuration: \\d+\\.\\d\\d ms\\tBilled Duration: \\d+ ms\\tMemory Size: 256 MB\\tMax Memory Used: \\d+ MB${init}\\n$`,
      );
    expect(cold.logTail).toMatch(/^START RequestId: \S+ Version: \$LATEST\n/);
    expect(cold.logTail).toMatch(/\tINFO\thello\n/);
    expect(cold.logTail).toMatch(report('\\tInit Duration: \\d+\\.\\d\\d ms'));
    expect((await bench.invoke(name, {}, { LogType: 'Tail' })).logTail).toMatch(report(''));
  });

  test('the tail is cut to 4 KB', async () => {
    const name = await bench.deploy('exports.handler = async () => console.log("x".repeat(10_000));');
    const { logTail } = await bench.invoke(name, {}, { LogType: 'Tail' });
    expect(Buffer.byteLength(logTail)).toBe(4096);
  });
});

describe('the time', () => {
  test("runs at the cloud's pace", async () => {
    const clock = createClock(1000);
    const fast = await startLambdaBench({ clock });
    const name = await fast.deploy(
      `
      const loadedAt = Date.now();
      exports.handler = async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { passed: Date.now() - loadedAt, now: new Date().getTime(), is: new Date() instanceof Date, given: +new Date(5) };
      };`,
      { Timeout: 900 },
    );
    const before = clock.now();
    const payload = (await fast.invoke(name)).payload as { passed: number; now: number };
    expect(payload).toMatchObject({ is: true, given: 5 });
    expect(payload.passed).toBeGreaterThan(15_000);
    expect(payload.now).toBeGreaterThan(before);
    expect(payload.now).toBeLessThanOrEqual(clock.now() + 1000);
    await fast.close();
  });

  test("is the cloud's in every environment, however long one takes to start, and wherever it begins", async () => {
    const clock = createClock(1000, 2_000_000_000_000);
    const fast = await startLambdaBench({ clock });
    const name = await fast.deploy('exports.handler = async () => Date.now();', { Timeout: 900 });
    await fast.invoke(name);
    const before = clock.now();
    const { payload } = await fast.invoke(name);
    expect(payload).toBeGreaterThanOrEqual(before);
    expect(payload).toBeLessThanOrEqual(clock.now());
    await fast.close();
  });

  test('a timeout leaves the handler at least a second of the machine, however fast the clock runs', async () => {
    const fast = await startLambdaBench({ clock: createClock(10_000) });
    const name = await fast.deploy(
      'exports.handler = async () => { await new Promise((r) => setTimeout(r, 20)); return 1; };',
    );
    expect((await fast.invoke(name)).payload).toBe(1);
    await fast.close();
  });
});

describe('faults', () => {
  const COUNT_CALLS = 'let count = 0; exports.handler = async () => { console.log("ran"); return ++count; };';

  async function struckBy(kind: string) {
    const clock = createClock();
    const plan = {
      seed: 1,
      rules: [{ point: 'lambda', kind, probability: 1, ...(kind === 'slow' && { minDelayMs: 200, maxDelayMs: 200 }) }],
    };
    const faulty = await startLambdaBench({ clock, faults: createFaults(plan, { clock, log: () => undefined }) });
    const name = await faulty.deploy(COUNT_CALLS);
    const startedAt = performance.now();
    const { payload } = await faulty.invoke(name);
    const result = {
      payload,
      ran: faulty.log.some(({ message }) => message === 'ran'),
      ms: performance.now() - startedAt,
    };
    await faulty.close();
    return result;
  }

  test('crash-before: the handler never runs', async () => {
    expect(await struckBy('crash-before')).toMatchObject({ payload: { errorType: 'Runtime.ExitError' }, ran: false });
  });

  test('crash-after: it ran, and its result is lost', async () => {
    expect(await struckBy('crash-after')).toMatchObject({ payload: { errorType: 'Runtime.ExitError' }, ran: true });
  });

  test('slow: it runs later', async () => {
    const { payload, ms } = await struckBy('slow');
    expect(payload).toBe(1);
    expect(ms).toBeGreaterThan(195);
  });
});
