import { AwsError, type InvocationResult, type Invoke, type Log } from '../service.ts';
import type { Functions } from './functions.ts';
import type { Invoked, LambdaFunction } from './lambda-function.ts';
import type { Permission } from './permission.ts';

/** Invocations by other services of the local cloud, which the function's resource policy has to allow. */
export function createInvoke(functions: Functions, permissions: readonly Permission[], log: Log): Invoke {
  return async (reference, payload, source) => {
    const target = find(functions, reference);
    const { arn } = target?.configuration ?? {};
    const isAllowed = permissions.some(
      (permission) => permission.allows(source) && find(functions, permission.functionName)?.configuration.arn === arn,
    );
    if (!target || !isAllowed) {
      const reason = target ? 'no AWS::Lambda::Permission lets it' : 'there is no such function';
      const message = `${source.service} may not invoke ${reference} for ${source.sourceArn}: ${reason}`;
      log({ level: 'warn', source: 'lambda', message });
      return { kind: 'denied' };
    }
    return toResult(await target.invoke({ payload: JSON.stringify(payload) }));
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
