import type { Outcome } from './environment.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import { timeoutMessage } from './invocation-log.ts';
import type { FunctionError } from './runtime/messages.ts';

/** Returns the error that Lambda reports to callers, if the outcome is one. */
export function errorOf(
  outcome: Outcome,
  requestId: string,
  configuration: FunctionConfiguration,
): FunctionError | undefined {
  if (outcome.kind === 'ok') return undefined;
  if (outcome.kind === 'error') return outcome.error;
  const errorMessage = `RequestId: ${requestId} Error: ${timeoutMessage(configuration)}`;
  return { errorType: 'Sandbox.Timedout', errorMessage };
}
