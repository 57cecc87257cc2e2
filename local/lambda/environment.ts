import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import type { Credentials } from './credentials.ts';
import { environmentVariables } from './environment-variables.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import { INIT_TIMEOUT_MS, MEMORY_MB_OF_ONE_CPU } from './limits.ts';
import type { FunctionError, InvocationRequest, Startup, WorkerMessage } from './runtime/messages.ts';

/** The end of an invocation. */
export type Outcome =
  /** `payload` is JSON text. */
  | { readonly kind: 'ok'; readonly payload: string }
  | { readonly kind: 'error'; readonly error: FunctionError }
  | { readonly kind: 'timeout' };

export type LogLine = Extract<WorkerMessage, { kind: 'log' }>;

/** One execution environment: a worker thread that has loaded the handler and runs one invocation at a time. */
export interface Environment {
  /** False once its thread has ended or is ending. */
  readonly alive: boolean;
  /** The highest memory use at the end of an invocation. The peak during an invocation is unknown. */
  readonly memoryUsedBytes: number;
  readonly initDurationMs: number;
  /** Never rejects. A timeout or a crash ends the environment. */
  invoke(request: InvocationRequest, timeoutMs: number, onLog: (line: LogLine) => void): Promise<Outcome>;
  stop(): Promise<void>;
}

export interface EnvironmentOptions {
  readonly configuration: FunctionConfiguration;
  readonly credentials: Credentials;
  readonly taskRoot: string;
  readonly bootstrapFile: string;
  readonly endpoint: Startup['endpoint'];
  readonly hostsHere: Startup['hostsHere'];
  readonly serviceEndpoints: Readonly<Record<string, string>>;
  readonly logStreamName: string;
  readonly clock: Clock;
  /** Whether handlers get their part of a processor only. */
  readonly sharesCpu: boolean;
  /** Gets the output of the handler's module while it loads. */
  readonly onLog: (line: LogLine) => void;
  readonly onEnd: (environment: Environment) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

export type Started =
  | { readonly kind: 'started'; readonly environment: Environment }
  | { readonly kind: 'failed'; readonly outcome: Exclude<Outcome, { kind: 'ok' }> };

/** Starts an environment and waits until the handler's module has loaded, at most `initTimeoutMs` of the machine's time. */
export async function startEnvironment(
  options: EnvironmentOptions,
  initTimeoutMs: number = INIT_TIMEOUT_MS,
): Promise<Started> {
  const { clock } = options;
  const thread = createThread(options);
  const startedAt = performance.now();
  const giveUp = () => void thread.stop();
  options.signal.addEventListener('abort', giveUp);
  const outcome = await thread.run(undefined, initTimeoutMs * clock.timeScale, options.onLog);
  options.signal.removeEventListener('abort', giveUp);
  if (outcome.kind !== 'ok') {
    await thread.stop();
    return { kind: 'failed', outcome };
  }
  const environment: Environment = {
    get alive() {
      return thread.alive;
    },
    get memoryUsedBytes() {
      return thread.memoryUsedBytes;
    },
    initDurationMs: performance.now() - startedAt,
    invoke: thread.run,
    stop: thread.stop,
  };
  void thread.ended.then(() => options.onEnd(environment));
  return { kind: 'started', environment };
}

interface Thread {
  readonly alive: boolean;
  readonly memoryUsedBytes: number;
  readonly ended: Promise<void>;
  /** Runs one invocation; without a request, the loading of the handler. */
  run(request: InvocationRequest | undefined, timeoutMs: number, onLog: (line: LogLine) => void): Promise<Outcome>;
  stop(): Promise<void>;
}

function createThread(options: EnvironmentOptions): Thread {
  const thaw = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = startWorker(options, thaw);
  let alive = true;
  let memoryUsedBytes = 0;
  let crash: FunctionError | undefined;
  let onLog = options.onLog;
  let settle: (outcome: Outcome) => void = () => {};

  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'log') return onLog(message);
    if (message.kind === 'error' && message.exiting) alive = false;
    if (message.kind === 'error' || message.kind === 'result') {
      memoryUsedBytes = Math.max(memoryUsedBytes, message.memoryUsedBytes);
    }
    settle(
      message.kind === 'error' ? { kind: 'error', error: message.error } : { kind: 'ok', payload: message.payload },
    );
  });
  worker.on('error', (error) => {
    crash = crashOf(error);
  });
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (exitCode) => {
      alive = false;
      settle({ kind: 'error', error: crash ?? exitError(exitCode) });
      resolve();
    });
  });
  const stop = async () => {
    alive = false;
    await worker.terminate();
  };

  return {
    get alive() {
      return alive;
    },
    get memoryUsedBytes() {
      return memoryUsedBytes;
    },
    ended,
    stop,
    run: (request, timeoutMs, log) =>
      new Promise((resolve) => {
        if (!alive) return resolve({ kind: 'error', error: crash ?? exitError(0) });
        onLog = log;
        const cancelTimeout = options.clock.after(timeoutMs, () => {
          settle({ kind: 'timeout' });
          void stop();
        });
        settle = (outcome) => {
          cancelTimeout();
          settle = () => {};
          resolve(outcome);
        };
        if (!request) return;
        worker.postMessage(request);
        Atomics.store(thaw, 0, 1);
        Atomics.notify(thaw, 0);
      }),
  };
}

function startWorker(options: EnvironmentOptions, thaw: Int32Array): Worker {
  const { configuration, clock } = options;
  const startup: Startup = {
    taskRoot: options.taskRoot,
    handler: configuration.handler,
    callbackHandlers: configuration.runtime !== 'nodejs24.x',
    endpoint: options.endpoint,
    hostsHere: options.hostsHere,
    cpuShare: options.sharesCpu ? Math.min(1, configuration.memoryMb / MEMORY_MB_OF_ONE_CPU) : 1,
    cloudTime: { timeScale: clock.timeScale, cloudMs: clock.now(), machineMs: Date.now() },
    thaw,
  };
  const worker = new Worker(options.bootstrapFile, {
    name: configuration.name,
    workerData: startup,
    env: environmentVariables(configuration, options),
    argv: [],
    execArgv: nodeFlags(configuration),
    resourceLimits: { maxOldGenerationSizeMb: configuration.memoryMb },
    stdout: true,
    stderr: true,
  });
  // The thread sends its output as messages. Only Node's own output while it dies comes this way.
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    options.onLog({ kind: 'log', level: 'error', message: text.trimEnd(), requestId: undefined });
  });
  worker.stdout.resume();
  return worker;
}

/** AWS turns these off up to `nodejs22.x` (https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html). */
const DISABLED_FEATURES = ['require-module', 'detect-module'];

function nodeFlags({ runtime }: FunctionConfiguration): string[] {
  if (runtime === 'nodejs24.x') return [];
  return DISABLED_FEATURES.filter((feature) =>
    process.allowedNodeEnvironmentFlags.has(`--experimental-${feature}`),
  ).map((feature) => `--no-experimental-${feature}`);
}

function crashOf(error: unknown): FunctionError {
  const isOutOfMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  if (isOutOfMemory) {
    return { errorType: 'Runtime.OutOfMemory', errorMessage: 'Runtime exited with error: signal: killed' };
  }
  return { errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with error: ${String(error)}` };
}

function exitError(exitCode: number): FunctionError {
  const errorMessage =
    exitCode === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${exitCode}`;
  return { errorType: 'Runtime.ExitError', errorMessage };
}
