import { type MessageFailure, type Problem, problem } from '../../protocol/index.ts';
import type { Now } from '../clock.ts';
import { describeError, type FunctionName, type Logger, type LogLine } from '../logger.ts';

/** What a function that others invoke reads of its Lambda context. */
export interface InvocationContext {
  /** The same in each attempt at an asynchronous invocation. */
  readonly awsRequestId: string;
}

/** Why an invocation fails, as its caller reads it. */
export interface InvocationProblem extends Problem {
  /** Of `send` with `failIfAnyFails`: the first ten messages that were not sent. */
  readonly failures?: readonly MessageFailure[];
}

/**
 * Fails an invocation. Lambda passes on the name of a thrown error as `errorType`, and its message as `errorMessage`. So the
 * name is the code, by which Step Functions retry and catch, and the message is the whole problem as JSON.
 */
export class InvocationError extends Error {
  constructor({ code, message, retryable, ...more }: InvocationProblem, options?: ErrorOptions) {
    super(JSON.stringify({ code, message, retryable, ...more }), options);
    this.name = code;
  }
}

/**
 * What a function did: a result for its caller, or the problem that fails the invocation; and more for the log line.
 */
export type Performed<R> = ({ readonly result: R } | { readonly problem: InvocationProblem }) & {
  readonly line?: Partial<LogLine>;
};

/**
 * The edge of a function that services and operators invoke. It writes one log line for each invocation. It throws
 * rather than return an error: a function cannot know whether it was invoked asynchronously, and only a failed
 * invocation is retried and goes to a destination.
 */
export function invocationEdge<R>(
  route: FunctionName,
  { log, now }: { readonly log: Logger; readonly now: Now },
  perform: (event: unknown, context: InvocationContext) => Promise<Performed<R>>,
): (event: unknown, context: InvocationContext) => Promise<R> {
  return async (event, context) => {
    const startedAt = now();
    const finish = (line: Pick<LogLine, 'outcome'> & Partial<LogLine>) =>
      log({ route, requestId: context.awsRequestId, durationMs: now() - startedAt, ...line });
    let performed: Performed<R>;
    try {
      performed = await perform(event, context);
    } catch (cause) {
      finish({ outcome: 'failed', error: describeError(cause), metrics: { Errors: 1 } });
      throw new InvocationError(problem('internal'), { cause });
    }
    if ('result' in performed) {
      finish({ outcome: 'ok', ...performed.line });
      return performed.result;
    }
    finish({ outcome: 'failed', reason: performed.problem.code, ...performed.line });
    throw new InvocationError(performed.problem);
  };
}
