import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Log } from '../service.ts';
import type { Concurrency } from './concurrency.ts';
import type { IssueCredentials } from './credentials.ts';
import { type Environment, type LogLine, type Outcome, type Started, startEnvironment } from './environment.ts';
import { createEnvironmentPool, type StartHooks } from './environment-pool.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import { createInvocationLog, type InvocationLog } from './invocation-log.ts';
import { MAX_SYNC_RESPONSE_BYTES } from './limits.ts';
import type { Startup } from './runtime/messages.ts';
import type { Starts } from './starts.ts';
import { continueTrace, MAX_INVOCATIONS_IN_CHAIN } from './trace.ts';

/** The parts of the local cloud that a function's environments need. */
export interface Surroundings {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly log: Log;
  readonly issueCredentials: IssueCredentials;
  readonly endpoint: () => Startup['endpoint'];
  /** The addresses of services that the local cloud lacks. Default: none. */
  readonly serviceEndpoints?: Readonly<Record<string, string>>;
  /** Whether handlers get a part of a processor in proportion to their memory. Default: a whole one. */
  readonly sharesCpu?: boolean;
  readonly concurrency: Concurrency;
  readonly starts: Starts;
  /** Returns more hosts than those of AWS, as `name:port`, that lead functions here. Default: none. */
  readonly hostsHere?: () => readonly string[];
}

export interface InvokeInput {
  /** JSON text. */
  readonly payload: string;
  /** The ARN of the invocation, with a version or an alias. Default: the function's. */
  readonly functionArn?: string;
  /** Default: a new one. */
  readonly requestId?: string;
  /** JSON text. */
  readonly clientContext?: string;
  /** The trace header of the request. Default: a new trace. */
  readonly trace?: string;
}

export type Invoked = (
  | { readonly kind: 'done'; readonly outcome: Outcome; readonly logTail: string }
  | { readonly kind: 'throttled' }
  /** Lambda has stopped the invocation, because the chain of requests invokes the function again and again. */
  | { readonly kind: 'recursive' }
) & {
  readonly requestId: string;
  /** The trace header for the requests that the invocation causes. */
  readonly trace: string;
};

/** A deployed function. */
export interface LambdaFunction {
  readonly configuration: FunctionConfiguration;
  /** Why the function is left out. Absent if it runs. */
  readonly leftOut?: string;
  /** Runs the function once. Rejects only if the local cloud itself fails, never because of the handler. */
  invoke(input: InvokeInput): Promise<Invoked>;
  close(): Promise<void>;
}

/**
 * The shortest time of this machine until a timeout: the shortest timeout that Lambda accepts. Timeouts count cloud time,
 * and the machine computes no faster when the cloud's clock does.
 */
const MIN_TIMEOUT_MACHINE_MS = 1000;

export function createLambdaFunction(
  configuration: FunctionConfiguration,
  code: { readonly taskRoot: string; readonly bootstrapFile: string },
  surroundings: Surroundings,
): LambdaFunction {
  const { clock, faults, log, concurrency } = surroundings;
  const timeoutMs = Math.max(configuration.timeoutSeconds * 1000, MIN_TIMEOUT_MACHINE_MS * clock.timeScale);
  const pool = createEnvironmentPool({
    clock,
    starts: surroundings.starts,
    start: (hooks) => start(configuration, code, surroundings, timeoutMs, hooks),
  });

  const runIn = async (
    environment: Environment,
    { requestId, traceHeader }: Identity,
    input: InvokeInput,
    invocationLog: InvocationLog,
  ) => {
    const request = {
      requestId,
      functionArn: input.functionArn ?? configuration.arn,
      payload: input.payload,
      deadlineMs: clock.now() + timeoutMs,
      clientContext: input.clientContext,
      traceHeader,
    };
    const outcome = await environment.invoke(request, timeoutMs, invocationLog.line);
    return withRequestId(limitResponse(outcome), requestId);
  };

  const run = async (identity: Identity, input: InvokeInput, invocationLog: InvocationLog): Promise<Outcome> => {
    const { requestId } = identity;
    const fault = faults.strike('lambda', { function: configuration.name });
    if (fault?.kind === 'slow') await clock.sleep(fault.delayMs);
    if (fault?.kind === 'crash-before') return withRequestId(CRASHED, requestId);
    const acquired = await pool.acquire();
    invocationLog.start();
    if (acquired.kind === 'failed') {
      const outcome = withRequestId(acquired.outcome, requestId);
      invocationLog.end(outcome, 0);
      return outcome;
    }
    const { environment, cold } = acquired;
    const startedAt = performance.now();
    const outcome = await runIn(environment, identity, input, invocationLog);
    invocationLog.end(outcome, performance.now() - startedAt, { used: environment, cold });
    if (fault?.kind === 'crash-after') await environment.stop();
    pool.release(environment);
    return fault?.kind === 'crash-after' ? withRequestId(CRASHED, requestId) : outcome;
  };

  return {
    configuration,
    async invoke(input) {
      const requestId = input.requestId ?? randomUUID();
      const { header: trace, invocations } = continueTrace(input.trace, configuration, clock.now());
      if (invocations > MAX_INVOCATIONS_IN_CHAIN && configuration.recursiveLoop === 'Terminate') {
        log({ level: 'error', source: configuration.name, message: STOPPED_LOOP, detail: { requestId } });
        return { kind: 'recursive', requestId, trace };
      }
      const leave = concurrency.enter(configuration);
      if (!leave) return { kind: 'throttled', requestId, trace };
      const invocationLog = createInvocationLog(configuration, requestId, { clock, log });
      try {
        const outcome = await run({ requestId, traceHeader: trace }, input, invocationLog);
        return { kind: 'done', requestId, outcome, logTail: invocationLog.tail(), trace };
      } finally {
        leave();
      }
    },
    close: pool.close,
  };
}

/** The ids of one invocation. */
interface Identity {
  readonly requestId: string;
  readonly traceHeader: string;
}

/** AWS counts these in a metric, and writes to the account's owner. */
const STOPPED_LOOP =
  `RecursiveInvocationsDropped: one chain of requests has invoked this function ${MAX_INVOCATIONS_IN_CHAIN} times, so ` +
  'Lambda stops it. If the loop is intended, set RecursiveLoop: Allow for the function.';

/** As on AWS, a load of more than ten seconds starts again, and then counts towards the function's timeout. */
async function start(
  configuration: FunctionConfiguration,
  code: { readonly taskRoot: string; readonly bootstrapFile: string },
  {
    clock,
    log,
    issueCredentials,
    endpoint,
    serviceEndpoints = {},
    hostsHere = () => [],
    sharesCpu = false,
  }: Surroundings,
  timeoutMs: number,
  hooks: StartHooks,
): Promise<Started> {
  const onLog = ({ level, message }: LogLine) => log({ level, source: configuration.name, message });
  const options = () => ({
    ...code,
    ...hooks,
    configuration,
    clock,
    sharesCpu,
    onLog,
    endpoint: endpoint(),
    serviceEndpoints,
    hostsHere: hostsHere(),
    credentials: issueCredentials(configuration.roleArn, configuration.name),
    logStreamName: logStreamName(clock),
  });
  const first = await startEnvironment(options());
  if (first.kind === 'started' || first.outcome.kind !== 'timeout') return first;
  log({ level: 'warn', source: configuration.name, message: 'INIT_REPORT Phase: init Status: timeout' });
  return startEnvironment(options(), timeoutMs / clock.timeScale);
}

function logStreamName(clock: Clock): string {
  const date = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
  return `${date}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
}

const CRASHED: Outcome = {
  kind: 'error',
  error: { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with error: signal: killed' },
};

/** Adds the request to the platform's own errors about the end of an environment. */
function withRequestId(outcome: Outcome, requestId: string): Outcome {
  if (outcome.kind !== 'error') return outcome;
  const { errorType, errorMessage } = outcome.error;
  if (errorType !== 'Runtime.ExitError' && errorType !== 'Runtime.OutOfMemory') return outcome;
  return { kind: 'error', error: { errorType, errorMessage: `RequestId: ${requestId} Error: ${errorMessage}` } };
}

function limitResponse(outcome: Outcome): Outcome {
  if (outcome.kind !== 'ok' || Buffer.byteLength(outcome.payload) <= MAX_SYNC_RESPONSE_BYTES) return outcome;
  return {
    kind: 'error',
    error: {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_SYNC_RESPONSE_BYTES} bytes).`,
    },
  };
}
