import {
  AwsError,
  type InvocationResult,
  type InvocationSource,
  type Invoke,
  type InvokeAsync,
  type Log,
} from '../service.ts';
import type { Functions } from './functions.ts';
import type { Invoked, LambdaFunction } from './lambda-function.ts';
import type { Permission } from './permission.ts';

/** How other services of the local cloud invoke functions. */
export interface Invocations {
  readonly invoke: Invoke;
  readonly invokeAsync: InvokeAsync;
}

/**
 * Invocations by other services, which the function's resource policy has to allow.
 * @param enqueue accepts an event for asynchronous invocation
 */
export function createInvocations(
  functions: Functions,
  permissions: readonly Permission[],
  log: Log,
  enqueue: (target: LambdaFunction, payload: string) => string,
): Invocations {
  /** The function, if the source may invoke it. */
  const permit = (reference: string, source: InvocationSource): LambdaFunction | undefined => {
    const target = find(functions, reference);
    const { arn } = target?.configuration ?? {};
    const isAllowed = permissions.some(
      (permission) => permission.allows(source) && find(functions, permission.functionName)?.configuration.arn === arn,
    );
    if (target && isAllowed) return target;
    const reason = target ? 'no AWS::Lambda::Permission lets it' : 'there is no such function';
    const message = `${source.service} may not invoke ${reference} for ${source.sourceArn}: ${reason}`;
    log({ level: 'warn', source: 'lambda', message });
    return undefined;
  };
  return {
    async invoke(reference, payload, source) {
      const target = permit(reference, source);
      return target ? toResult(await target.invoke({ payload: JSON.stringify(payload) })) : { kind: 'denied' };
    },
    invokeAsync(reference, payload, source) {
      const target = permit(reference, source);
      if (!target) return 'denied';
      enqueue(target, JSON.stringify(payload));
      return 'accepted';
    },
  };
}

function toResult(invoked: Invoked): InvocationResult {
  if (invoked.kind === 'throttled') return invoked;
  const { outcome } = invoked;
  switch (outcome.kind) {
    case 'ok':
      return { kind: 'ok', payload: JSON.parse(outcome.payload) };
    case 'error':
      return { kind: 'error', ...outcome.error };
    case 'timeout':
      return { kind: 'timeout' };
  }
}

function find(functions: Functions, reference: string): LambdaFunction | undefined {
  try {
    return functions.get(reference);
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}
