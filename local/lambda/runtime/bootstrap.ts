/**
 * The entry of a worker thread that is one execution environment: it loads the handler, then runs one invocation after the
 * other. `runtime-bundle.ts` bundles it, so that a cold start needs no compiler.
 */
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { followCloudTime } from './cloud-time.ts';
import { captureOutput } from './console.ts';
import { createCpuShare } from './cpu-share.ts';
import { runtimeError, toFunctionError } from './errors.ts';
import { type Settle, startCallbackInvocation, startPromiseInvocation } from './invocation.ts';
import { type Handler, loadHandler } from './load-handler.ts';
import type { InvocationRequest, LogLevel, Startup, WorkerMessage } from './messages.ts';
import { routeToCloud } from './network.ts';

const startup = workerData as Startup;
const port = parentPort;
if (!port) throw new TypeError('bootstrap.ts is the entry of a worker thread');
const startInvocation = startup.callbackHandlers ? startCallbackInvocation : startPromiseInvocation;
const cpuShare = createCpuShare(startup.cpuShare);

let requestId: string | undefined;
/** Runs when the event loop is empty. Without it, the thread would end. */
let onIdle = (): void => dieOf(unexpectedExit(), 13);

function post(message: WorkerMessage): void {
  port?.postMessage(message);
}

function print(level: LogLevel, message: string): void {
  post({ kind: 'log', level, message, requestId });
}

function postResult(payload: string): void {
  post({ kind: 'result', payload, memoryUsedBytes: memoryUsedBytes() });
}

function postError(error: unknown, exiting: boolean): void {
  const reported = toFunctionError(error);
  // AWS's runtime prints an error before it reports it.
  print('error', `Invoke Error\t${JSON.stringify(reported)}`);
  post({ kind: 'error', error: reported, memoryUsedBytes: memoryUsedBytes(), exiting });
}

function dieOf(error: unknown, exitCode: number): void {
  postError(error, true);
  process.exit(exitCode);
}

function unexpectedExit(): Error {
  return runtimeError(
    'NodeJsExit',
    'The Lambda runtime client detected an unexpected Node.js exit code. ' +
      'This is most commonly caused by a Promise that was never settled.',
  );
}

function memoryUsedBytes(): number {
  const heap = getHeapStatistics();
  return heap.used_heap_size + heap.external_memory;
}

/** AWS freezes the environment between invocations: work that a handler does not await stands still, with its timers. */
function freeze(): void {
  onIdle = () => {};
  port?.ref();
  Atomics.wait(startup.thaw, 0, 0);
}

function createSettle(): Settle {
  let settled = false;
  const settle = (answer: () => void) => {
    if (settled) return;
    settled = true;
    cpuShare.end();
    answer();
    freeze();
  };
  const fail = (error: unknown) => settle(() => postError(error, false));
  const succeed = (result: unknown) => {
    const payload = serialize(result);
    if (payload === undefined) return fail(unserializable());
    settle(() => postResult(payload));
  };
  return {
    succeed,
    fail,
    succeedWhenIdle(result) {
      onIdle = () => succeed(result);
    },
  };
}

/** Returns `undefined` for a value without JSON: a cycle, a bigint. */
function serialize(result: unknown): string | undefined {
  try {
    return JSON.stringify(result ?? null) ?? 'null';
  } catch {
    return undefined;
  }
}

function unserializable(): Error {
  const message = 'Unable to stringify response body';
  // Runtimes up to nodejs22.x have no name for this error.
  return startup.callbackHandlers ? new Error(message) : runtimeError('JSONStringifyError', message);
}

function run(handler: Handler, request: InvocationRequest): void {
  Atomics.store(startup.thaw, 0, 0);
  // From now on, only the handler's own work keeps the loop alive. So the runtime notices its end.
  port?.unref();
  requestId = request.requestId;
  process.env['_X_AMZN_TRACE_ID'] = request.traceHeader;
  const settle = createSettle();
  onIdle = startup.callbackHandlers ? () => settle.succeed(null) : () => dieOf(unexpectedExit(), 13);
  cpuShare.begin();
  startInvocation(handler, request, settle);
}

captureOutput(print);
followCloudTime(startup.cloudTime);
routeToCloud(startup.endpoint, startup.hostsHere);
// A thread cannot change its directory; but paths that are resolved by name start where they do on AWS.
process.cwd = () => startup.taskRoot;
process.on('beforeExit', () => onIdle());
process.on('uncaughtException', (error) => dieOf(error, 129));
process.on('unhandledRejection', (reason) => dieOf(runtimeError('UnhandledPromiseRejection', String(reason)), 128));

loadHandler(startup.taskRoot, startup.handler).then(
  (handler) => {
    onIdle = () => {};
    // The loop turns once first, so that the handler uses no connection that closed in the meantime.
    port.on('message', (request: InvocationRequest) => setImmediate(run, handler, request));
    postResult('null');
  },
  (error: unknown) => dieOf(error, 1),
);
