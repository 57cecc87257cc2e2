import { expect, test } from 'vitest';
import type { Environment, Started } from '../../../../local/lambda/environment.ts';
import { createEnvironmentPool, type EnvironmentPool } from '../../../../local/lambda/environment-pool.ts';
import { IDLE_ENVIRONMENT_MS } from '../../../../local/lambda/limits.ts';
import { createStarts } from '../../../../local/lambda/starts.ts';
import { createManualClock } from '../../../support/manual-clock.ts';

interface FakeEnvironment extends Environment {
  readonly number: number;
  stopped: boolean;
  end(): void;
}

/** Starts environments at the test's word. */
function createWorld(maxEnvironments?: number, mostStarts = 100) {
  const clock = createManualClock();
  const starting: ((started: Started) => void)[] = [];
  const made: FakeEnvironment[] = [];
  const pool: EnvironmentPool = createEnvironmentPool({
    clock,
    starts: createStarts(mostStarts),
    ...(maxEnvironments !== undefined && { maxEnvironments }),
    start: ({ onEnd }) =>
      new Promise((resolve) => {
        const number = made.length;
        const environment: FakeEnvironment = {
          number,
          alive: true,
          stopped: false,
          memoryUsedBytes: 0,
          initDurationMs: 1,
          invoke: () => Promise.resolve({ kind: 'ok', payload: 'null' }),
          async stop() {
            environment.stopped = true;
          },
          end() {
            Object.assign(environment, { alive: false });
            onEnd(environment);
          },
        };
        made.push(environment);
        starting.push(resolve);
      }),
  });
  const finishStart = (failure?: Started) => {
    const number = made.length - starting.length;
    const environment = made[number];
    if (environment) starting.shift()?.(failure ?? { kind: 'started', environment });
  };
  return { clock, pool, made, finishStart };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function use(acquiring: ReturnType<EnvironmentPool['acquire']>): Promise<FakeEnvironment> {
  const acquired = await acquiring;
  if (acquired.kind === 'failed') throw new Error('no environment');
  return acquired.environment as FakeEnvironment;
}

async function acquireCold({ pool, finishStart }: ReturnType<typeof createWorld>): Promise<FakeEnvironment> {
  const acquiring = pool.acquire();
  await new Promise((resolve) => setImmediate(resolve));
  finishStart();
  return use(acquiring);
}

test('the environment that was used last is used next', async () => {
  const world = createWorld();
  const first = await acquireCold(world);
  const second = await acquireCold(world);
  world.pool.release(second);
  world.pool.release(first);
  expect((await use(world.pool.acquire())).number).toBe(first.number);
  expect((await use(world.pool.acquire())).number).toBe(second.number);
});

test('so many start at a time and no more: an invocation that waits for its turn takes one that becomes free', async () => {
  const world = createWorld(undefined, 1);
  const [first, second, third] = [world.pool.acquire(), world.pool.acquire(), world.pool.acquire()];
  expect(world.made).toHaveLength(1);
  world.finishStart();
  world.pool.release(await use(first));
  expect((await use(second)).number).toBe(0);
  await settled();
  // The third is still waiting, so it is its turn now.
  expect(world.made).toHaveLength(2);
  world.finishStart();
  expect((await use(third)).number).toBe(1);
});

test('one that cannot be started gives its turn to the next', async () => {
  const world = createWorld(undefined, 1);
  const [first, second] = [world.pool.acquire(), world.pool.acquire()];
  world.finishStart({ kind: 'failed', outcome: { kind: 'timeout' } });
  expect(await first).toMatchObject({ kind: 'failed' });
  await settled();
  world.finishStart();
  expect((await use(second)).number).toBe(1);
});

test('it tells a cold start from a warm one', async () => {
  const world = createWorld();
  const acquiring = world.pool.acquire();
  world.finishStart();
  expect(await acquiring).toMatchObject({ kind: 'started', cold: true });
  world.pool.release(await use(acquiring));
  expect(await world.pool.acquire()).toMatchObject({ kind: 'started', cold: false });
});

test('beyond the limit, invocations wait for an environment to become free, in order', async () => {
  const world = createWorld(1);
  const environment = await acquireCold(world);
  const order: string[] = [];
  const waiting = ['first', 'second'].map(async (name) => {
    const acquired = await use(world.pool.acquire());
    order.push(name);
    world.pool.release(acquired);
  });
  expect(world.made).toHaveLength(1);
  world.pool.release(environment);
  await Promise.all(waiting);
  expect(order).toEqual(['first', 'second']);
});

test('a caller that waits for a start gets an environment that becomes free earlier', async () => {
  const world = createWorld();
  const busy = await acquireCold(world);
  const waiting = world.pool.acquire();
  world.pool.release(busy);
  expect((await use(waiting)).number).toBe(busy.number);
});

test('one that has ended makes room for another', async () => {
  const world = createWorld(1);
  const environment = await acquireCold(world);
  const waiting = world.pool.acquire();
  environment.end();
  world.pool.release(environment);
  world.finishStart();
  expect((await use(waiting)).number).toBe(1);
});

test('one that ends while it is idle is not used again', async () => {
  const world = createWorld();
  const environment = await acquireCold(world);
  world.pool.release(environment);
  environment.end();
  expect((await acquireCold(world)).number).toBe(1);
});

test('a start that fails fails one invocation, and the next one starts anew', async () => {
  const world = createWorld();
  const acquiring = world.pool.acquire();
  world.finishStart({ kind: 'failed', outcome: { kind: 'timeout' } });
  expect(await acquiring).toEqual({ kind: 'failed', outcome: { kind: 'timeout' } });
  expect((await acquireCold(world)).number).toBe(1);
});

test('when the local cloud cannot start one, the invocation is rejected', async () => {
  const pool = createEnvironmentPool({
    clock: createManualClock(),
    starts: createStarts(),
    start: () => Promise.reject(new Error('no more threads')),
  });
  await expect(pool.acquire()).rejects.toThrow('no more threads');
  await pool.close();
});

test('an environment that is idle for some minutes ends; one that is used in between does not', async () => {
  const world = createWorld();
  const environment = await acquireCold(world);
  world.pool.release(environment);
  world.clock.advance(IDLE_ENVIRONMENT_MS - 1);
  world.pool.release(await use(world.pool.acquire()));
  world.clock.advance(IDLE_ENVIRONMENT_MS - 1);
  expect(environment.stopped).toBe(false);
  world.clock.advance(1);
  expect(environment.stopped).toBe(true);
  expect((await acquireCold(world)).number).toBe(1);
});

test('close() ends all environments, and rejects all waiting callers', async () => {
  const world = createWorld(1);
  const environment = await acquireCold(world);
  const waiting = world.pool.acquire();
  await world.pool.close();
  expect(environment.stopped).toBe(true);
  expect(await waiting).toMatchObject({ kind: 'failed', outcome: { error: { errorType: 'Runtime.ExitError' } } });
  expect(await world.pool.acquire()).toMatchObject({ kind: 'failed' });
});
