import {
  type AssumeRole,
  type Authorize,
  AwsError,
  type InvocationResult,
  type InvocationSource,
  type Invoke,
  type InvokeAsync,
  type Log,
} from '../service.ts';
import type { Enqueue } from './enqueue.ts';
import type { Functions, Reference } from './functions.ts';
import type { Invoked } from './lambda-function.ts';
import type { Permission } from './permission.ts';

/** How other services of the local cloud invoke functions. */
export interface Invocations {
  readonly invoke: Invoke;
  readonly invokeAsync: InvokeAsync;
}

/**
 * Invocations by other services. The function's resource policy has to allow them, or the role that the service assumes.
 * @param enqueue accepts an event for asynchronous invocation
 */
export function createInvocations(
  functions: Functions,
  permissions: readonly Permission[],
  log: Log,
  enqueue: Enqueue,
  { authorize, assumeRole }: { readonly authorize: Authorize; readonly assumeRole: AssumeRole },
): Invocations {
  /** Returns the function if the source may invoke it. */
  const permit = (reference: string, source: InvocationSource): Reference | undefined => {
    const found = find(functions, reference);
    const problem = found ? problemOf(found, source) : 'the function does not exist';
    if (problem === undefined) return found;
    const message = `${source.service} may not invoke ${reference} for ${source.sourceArn}: ${problem}`;
    log({ level: 'warn', source: 'lambda', message });
    return undefined;
  };
  /** Returns why a source may not invoke the function: by its role, or by the function's resource policy. */
  const problemOf = ({ arn }: Reference, source: InvocationSource): string | undefined => {
    if (source.roleArn !== undefined) return problemOfRole(source.roleArn, source.service, arn);
    const isAllowed = permissions.some(
      (permission) => permission.allows(source) && find(functions, permission.functionName)?.arn === arn,
    );
    return isAllowed ? undefined : 'no AWS::Lambda::Permission allows it';
  };
  const problemOfRole = (roleArn: string, service: string, arn: string): string | undefined => {
    try {
      authorize(assumeRole(roleArn, service), 'lambda:InvokeFunction', arn);
      return undefined;
    } catch (error) {
      if (error instanceof AwsError) return error.message;
      throw error;
    }
  };
  return {
    async invoke(reference, payload, source) {
      const found = permit(reference, source);
      if (!found) return { kind: 'denied' };
      return toResult(await found.target.invoke({ payload: JSON.stringify(payload), functionArn: found.arn }));
    },
    invokeAsync(reference, payload, source) {
      const found = permit(reference, source);
      if (!found) return 'denied';
      enqueue(found.target, JSON.stringify(payload));
      return 'accepted';
    },
  };
}

function toResult(invoked: Invoked): InvocationResult {
  if (invoked.kind === 'throttled') return { kind: 'throttled' };
  if (invoked.kind === 'recursive')
    throw new Error('services other than Lambda and SQS start a chain of requests anew');
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

function find(functions: Functions, reference: string): Reference | undefined {
  try {
    return functions.resolve(reference);
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}
