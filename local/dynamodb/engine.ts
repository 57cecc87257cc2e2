import type { Json, JsonAnswer } from '../json-protocol.ts';

export interface CallOptions {
  /** Answer with the state of so many milliseconds (cloud time) ago. Default: the present state. */
  readonly staleByMs?: number;
}

/**
 * The engine that keeps the tables: the built-in one, or another at a URL. Errors of DynamoDB are answers, not exceptions.
 */
export interface Engine {
  /** Whether `staleByMs` has an effect. */
  readonly canBeStale: boolean;
  call(operation: string, input: Json, options?: CallOptions): Promise<JsonAnswer>;
  close(): Promise<void>;
}

/** Makes an answer with an error, in DynamoDB's form. */
export function errorAnswer(code: string, message: string, statusCode = 400): JsonAnswer {
  return { statusCode, body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message } };
}
