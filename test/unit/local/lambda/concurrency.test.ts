import { expect, test } from 'vitest';
import { createConcurrency } from '../../../../local/lambda/concurrency.ts';
import type { FunctionConfiguration } from '../../../../local/lambda/function-configuration.ts';

function configuration(name: string, reservedConcurrency?: number): FunctionConfiguration {
  return {
    name,
    arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    roleArn: 'arn:aws:iam::000000000000:role/r',
    runtime: 'nodejs24.x',
    handler: 'index.handler',
    timeoutSeconds: 3,
    memoryMb: 128,
    description: '',
    environment: {},
    logGroupName: `/aws/lambda/${name}`,
    recursiveLoop: 'Terminate',
    tracing: 'PassThrough',
    ...(reservedConcurrency !== undefined && { reservedConcurrency }),
  };
}

test('functions without reserved executions share the rest of the account', () => {
  const concurrency = createConcurrency(3);
  concurrency.reserve(configuration('reserved', 1));
  const leave = concurrency.enter(configuration('a'));
  expect(leave).toBeDefined();
  expect(concurrency.enter(configuration('b'))).toBeDefined();
  expect(concurrency.enter(configuration('a'))).toBeUndefined();
  leave?.();
  expect(concurrency.enter(configuration('b'))).toBeDefined();
});

test('reserved executions are there when the account is busy, and are a limit', () => {
  const concurrency = createConcurrency(2);
  const reserved = configuration('reserved', 1);
  concurrency.reserve(reserved);
  concurrency.enter(configuration('a'));
  expect(concurrency.enter(configuration('a'))).toBeUndefined();
  const leave = concurrency.enter(reserved);
  expect(leave).toBeDefined();
  expect(concurrency.enter(reserved)).toBeUndefined();
  leave?.();
  expect(concurrency.enter(reserved)).toBeDefined();
});

test('more than the account has cannot be reserved', () => {
  const concurrency = createConcurrency(2);
  concurrency.reserve(configuration('a', 1));
  expect(() => concurrency.reserve(configuration('b', 2))).toThrow(
    "b: ReservedConcurrentExecutions is 2, and only 1 of the account's 2 are left",
  );
});
