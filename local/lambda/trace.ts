import { createHash, randomBytes } from 'node:crypto';

/**
 * Lambda stops the invocation after this many of one function in one chain of requests
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: "approximately 16 times").
 */
export const MAX_INVOCATIONS_IN_CHAIN = 16;

/** What Lambda does with a function that a chain of requests invokes again and again. */
export const RECURSIVE_LOOP_MODES = ['Allow', 'Terminate'] as const;
/** Whether Lambda itself samples invocations for X-Ray, or follows the caller. */
export const TRACING_MODES = ['Active', 'PassThrough'] as const;

/** The part of a function's configuration that traces depend on. */
export interface TracedFunction {
  readonly arn: string;
  readonly tracing: (typeof TRACING_MODES)[number];
}

/** The trace of one invocation. */
export interface InvocationTrace {
  /** The value of `_X_AMZN_TRACE_ID`, which SDKs send on as the header `X-Amzn-Trace-Id`. */
  readonly header: string;
  /** How often the chain has invoked the function, with this invocation. */
  readonly invocations: number;
}

/**
 * Continues the trace of a request with an invocation of a function: Lambda counts it in the field `Lineage`.
 * @param upstream the header `X-Amzn-Trace-Id` of the request, or `AWSTraceHeader` of its message. Default: a new trace
 */
export function continueTrace(upstream: string | undefined, fn: TracedFunction, nowMs: number): InvocationTrace {
  const { root = newRoot(nowMs), isSampled, lineage } = readTrace(upstream);
  const key = createHash('sha256').update(fn.arn).digest('hex').slice(0, 8);
  const invocations = (lineage.get(key) ?? 0) + 1;
  const sampled = fn.tracing === 'Active' || isSampled ? 1 : 0;
  const parent = randomBytes(8).toString('hex');
  const counts = formatLineage(new Map([...lineage, [key, invocations]]));
  return { header: `Root=${root};Parent=${parent};Sampled=${sampled};Lineage=${counts}`, invocations };
}

/**
 * Joins the traces of a batch of messages: the invocation gets a new trace, and of each function the highest count. AWS does
 * not document how it counts batches.
 */
export function joinTraces(headers: readonly (string | undefined)[]): string {
  const joined = new Map<string, number>();
  let isAnySampled = false;
  for (const { isSampled, lineage } of headers.map(readTrace)) {
    isAnySampled ||= isSampled;
    for (const [key, count] of lineage) joined.set(key, Math.max(count, joined.get(key) ?? 0));
  }
  return `Sampled=${isAnySampled ? 1 : 0};Lineage=${formatLineage(joined)}`;
}

interface ReadTrace {
  readonly root: string | undefined;
  readonly isSampled: boolean;
  readonly lineage: ReadonlyMap<string, number>;
}

/** Reads a header. Callers may send anything, so this ignores malformed fields. */
function readTrace(header = ''): ReadTrace {
  const fields = new Map(header.split(';').map((field) => [field.split('=')[0]?.trim(), field.split('=')[1]?.trim()]));
  const root = fields.get('Root');
  const lineage = Array.from((fields.get('Lineage') ?? '').matchAll(/([0-9a-f]{8}):(\d{1,5})(?=\||$)/g), (match) => {
    const [, key = '', count] = match;
    return [key, Number(count)] as const;
  });
  return {
    root: root !== undefined && /^1-[0-9a-f]{8}-[0-9a-f]{24}$/.test(root) ? root : undefined,
    isSampled: fields.get('Sampled') === '1',
    lineage: new Map(lineage),
  };
}

function formatLineage(lineage: ReadonlyMap<string, number>): string {
  return Array.from(lineage, ([key, count]) => `${key}:${count}`).join('|');
}

function newRoot(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000).toString(16);
  return `1-${seconds.padStart(8, '0')}-${randomBytes(12).toString('hex')}`;
}
