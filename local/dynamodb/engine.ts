import type { Json, JsonAnswer } from '../json-protocol.ts';
import { joinRequests, type Split, unprocessedMember } from './batch.ts';

export interface CallOptions {
  /** Answer with the state of so many milliseconds (cloud time) ago. Default: the present state. */
  readonly staleByMs?: number;
}

/** The capacity units of one access to a table or an index. */
export interface Charge {
  readonly tableName: string;
  /** Absent for the table itself. */
  readonly index?: { readonly kind: 'local' | 'global'; readonly indexName: string };
  /** The item, or the key of a missing one. Absent if nothing was found. */
  readonly item: Json | undefined;
  readonly isWrite: boolean;
  readonly units: number;
}

export interface EngineAnswer extends JsonAnswer {
  /** The parts of the capacity that the call consumed, if the engine reports them. */
  readonly charges?: readonly Charge[];
}

/**
 * The engine that keeps the tables: the built-in one, or another at a URL. Errors of DynamoDB are answers, not exceptions.
 */
export interface Engine {
  /** Whether `staleByMs` has an effect. */
  readonly canBeStale: boolean;
  call(operation: string, input: Json, options?: CallOptions): Promise<EngineAnswer>;
  close(): Promise<void>;
}

/** Makes an answer with an error, in DynamoDB's form. */
export function errorAnswer(code: string, message: string, statusCode = 400, more: Json = {}): EngineAnswer {
  return { statusCode, body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message, ...more } };
}

/** The message of an on-demand table. */
const THROTTLED =
  'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or ' +
  'index so please try again shortly.';

/** Makes the answer to a throttled request, with its reasons if they are known. */
export function throttled(more: Json = {}): EngineAnswer {
  return errorAnswer('ThrottlingException', THROTTLED, 400, more);
}

/** Runs one part of a batch. The other part returns as unprocessed. */
export async function callPart(
  engine: Pick<Engine, 'call'>,
  operation: string,
  input: Json,
  { done, left }: Split,
): Promise<EngineAnswer> {
  const answer = await engine.call(operation, { ...input, RequestItems: done });
  if (answer.statusCode !== 200) return answer;
  const member = unprocessedMember(operation);
  const unprocessed = joinRequests(left, (answer.body[member] ?? {}) as Json);
  return { ...answer, body: { ...answer.body, [member]: unprocessed } };
}
