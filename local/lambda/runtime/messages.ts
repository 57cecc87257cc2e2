import type { CloudTime } from './cloud-time.ts';

/** The data for an execution environment at the start of its worker thread. */
export interface Startup {
  /** The function's unpacked code, `/var/task` on AWS. */
  readonly taskRoot: string;
  /** The `Handler` property: `folder/file.export`. */
  readonly handler: string;
  /** Whether the runtime accepts `(event, context, callback)` handlers. `nodejs24.x` does not. */
  readonly callbackHandlers: boolean;
  /** The address of the local cloud, which is all of AWS. */
  readonly endpoint: { readonly host: string; readonly port: number };
  /** More hosts with that address, as `name:port`. */
  readonly hostsHere: readonly string[];
  readonly cloudTime: CloudTime;
  /** The part of a processor that the handler gets, from 0 to 1. */
  readonly cpuShare: number;
  /** One cell: 0 freezes the thread after a result, 1 lets it run. */
  readonly thaw: Int32Array;
}

/** Parent to worker: run the handler once. */
export interface InvocationRequest {
  readonly requestId: string;
  readonly functionArn: string;
  /** JSON text. */
  readonly payload: string;
  /** Epoch milliseconds, in cloud time, at which the function's timeout passes. */
  readonly deadlineMs: number;
  /** JSON text of the caller's client context, if it sent one. */
  readonly clientContext: string | undefined;
  /** The value of `_X_AMZN_TRACE_ID`. */
  readonly traceHeader: string;
}

/** An error in Lambda's form for callers. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: string[];
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Worker to parent. The first result or error is that of loading the handler; its payload is `null`. */
export type WorkerMessage =
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string; readonly requestId: string | undefined }
  /** `payload` is JSON text. */
  | { readonly kind: 'result'; readonly payload: string; readonly memoryUsedBytes: number }
  | {
      readonly kind: 'error';
      readonly error: FunctionError;
      readonly memoryUsedBytes: number;
      /** Whether the thread ends itself right after. */
      readonly exiting: boolean;
    };
