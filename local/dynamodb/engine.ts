import type { Json, JsonAnswer } from '../json-protocol.ts';

export interface CallOptions {
  /** Answer as the table was so many milliseconds (cloud time) ago. Default: as it is. */
  readonly staleByMs?: number;
}

/** What keeps the tables: the built-in one, or another behind a URL. Errors of DynamoDB are answers, not exceptions. */
export interface Engine {
  /** Whether `staleByMs` has an effect. */
  readonly canBeStale: boolean;
  call(operation: string, input: Json, options?: CallOptions): Promise<JsonAnswer>;
  close(): Promise<void>;
}

/** An answer with an error, as DynamoDB spells it. */
export function errorAnswer(code: string, message: string, statusCode = 400): JsonAnswer {
  return { statusCode, body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message } };
}
