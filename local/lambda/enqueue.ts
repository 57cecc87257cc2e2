import type { LambdaFunction } from './lambda-function.ts';

/**
 * Accepts an event for asynchronous invocation. Returns the request's id at once. The function runs later.
 * @param payload JSON text
 * @param trace The trace header of the request. Default: a new trace.
 */
export type Enqueue = (target: LambdaFunction, payload: string, trace?: string) => string;
