import type { Json } from '../json-protocol.ts';

export interface Split {
  /** `RequestItems` of the chosen requests, and of the others. */
  readonly done: Json;
  readonly left: Json;
  readonly counts: { readonly done: number; readonly left: number };
}

/** One request of a batch: `{ PutRequest }` or `{ DeleteRequest }` of `BatchWriteItem`, a key of `BatchGetItem`. */
export interface BatchRequest {
  readonly tableName: string;
  readonly request: Json;
}

/** The member of an answer with the requests that DynamoDB has left. */
export function unprocessedMember(operation: string): string {
  return operation === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems';
}

/**
 * Splits a batch's requests. Returns `undefined` for other operations.
 * @param isDone whether a request is one of the chosen ones
 */
export function splitBatch(
  operation: string,
  input: Json,
  isDone: (request: BatchRequest, index: number, count: number) => boolean,
): Split | undefined {
  if (operation !== 'BatchGetItem' && operation !== 'BatchWriteItem') return undefined;
  const tables = Object.entries((input['RequestItems'] ?? {}) as Json);
  const requests = tables.flatMap(([tableName, part]) => listOf(part).map((request) => ({ tableName, part, request })));
  const done = requests.filter((each, index) => isDone(each, index, requests.length));
  const left = requests.filter((each) => !done.includes(each));
  return { done: gather(done), left: gather(left), counts: { done: done.length, left: left.length } };
}

function gather(requests: readonly (BatchRequest & { readonly part: unknown })[]): Json {
  const gathered = new Map<string, unknown>();
  for (const { tableName, part, request } of requests) {
    gathered.set(tableName, append(gathered.get(tableName), part, request));
  }
  return Object.fromEntries(gathered);
}

/** Joins the `RequestItems` of two parts of a batch. */
export function joinRequests(one: Json, other: Json): Json {
  const joined = new Map(Object.entries(one));
  for (const [tableName, part] of Object.entries(other)) {
    for (const request of listOf(part)) joined.set(tableName, append(joined.get(tableName), part, request));
  }
  return Object.fromEntries(joined);
}

/** `BatchWriteItem` has a list for each table, `BatchGetItem` an object with `Keys` and how to read them. */
function listOf(part: unknown): Json[] {
  const requests = Array.isArray(part) ? part : (part as Json | null)?.['Keys'];
  return Array.isArray(requests) ? requests : [];
}

function append(gathered: unknown, part: unknown, request: Json): unknown {
  const requests = [...listOf(gathered), request];
  return Array.isArray(part) ? requests : { ...(part as Json), Keys: requests };
}
