import type { InvocationResult } from '../service.ts';
import { executeApiArn } from './arns.ts';
import type { Gateway } from './gateway.ts';
import type { InvokedFunction } from './model.ts';

export type IntegrationOutcome =
  | { readonly kind: 'returned'; readonly payload: unknown }
  /** The function threw, died, or ran into its own timeout. */
  | { readonly kind: 'failed'; readonly errorMessage: string }
  /** No invocation: without permission, throttled, or during the shutdown of the local cloud. */
  | { readonly kind: 'not-invoked'; readonly errorMessage: string }
  /** API Gateway stops waiting. The function goes on. */
  | { readonly kind: 'timed-out' };

export type TimedOutcome = IntegrationOutcome & { readonly latencyMs: number };

export interface IntegrationCall extends InvokedFunction {
  readonly timeoutMs: number;
  readonly event: unknown;
  readonly apiId: string;
  /** The part after the API's id in the ARN of the permission check. */
  readonly sourcePath: readonly string[];
}

/** Invokes a function, and waits at most for the integration's timeout. Never rejects. */
export async function callFunction(gateway: Gateway, call: IntegrationCall): Promise<TimedOutcome> {
  const { clock } = gateway;
  const startedAtMs = clock.now();
  const outcome = await new Promise<IntegrationOutcome>((resolve) => {
    const cancel = clock.after(call.timeoutMs, () => resolve({ kind: 'timed-out' }));
    invoke(gateway, call).then((result) => {
      cancel();
      resolve(result);
    }, resolveAsFailure);
    function resolveAsFailure(error: unknown): void {
      cancel();
      gateway.log({ level: 'error', source: 'apigateway', message: `invoking ${call.functionArn} failed: ${error}` });
      resolve({ kind: 'not-invoked', errorMessage: String(error) });
    }
  });
  return { ...outcome, latencyMs: clock.now() - startedAtMs };
}

async function invoke(gateway: Gateway, call: IntegrationCall): Promise<IntegrationOutcome> {
  if (gateway.stopping.aborted) return { kind: 'not-invoked', errorMessage: 'The local cloud is shutting down' };
  const source = {
    service: 'apigateway.amazonaws.com',
    sourceArn: executeApiArn(call.apiId, ...call.sourcePath),
    ...(call.roleArn !== undefined && { roleArn: call.roleArn }),
  };
  const result = await gateway.invoke(call.functionArn, call.event, source);
  if (result.kind === 'denied') {
    const by = call.roleArn === undefined ? 'no AWS::Lambda::Permission' : `nothing that ${call.roleArn} may do`;
    gateway.log({
      level: 'error',
      source: 'apigateway',
      message: `${by} lets ${source.sourceArn} invoke ${call.functionArn}`,
    });
  }
  return toOutcome(result);
}

function toOutcome(result: InvocationResult): IntegrationOutcome {
  switch (result.kind) {
    case 'ok':
      return { kind: 'returned', payload: result.payload };
    case 'error':
      return { kind: 'failed', errorMessage: result.errorMessage };
    case 'timeout':
      return { kind: 'failed', errorMessage: 'The function timed out' };
    case 'denied':
      return { kind: 'not-invoked', errorMessage: 'Invalid permissions on Lambda function' };
    case 'throttled':
      return { kind: 'not-invoked', errorMessage: 'Rate Exceeded.' };
  }
}

/** The result of a Lambda proxy integration. */
export interface ProxyResponse {
  readonly statusCode: number;
  readonly body: string | undefined;
  /**
   * Returns the values of a response header. Its name may have any casing. `multiValueHeaders` come before `headers`
   * (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
   */
  header(name: string): readonly string[];
  /** Whether the function has marked its body as base64. */
  readonly isBase64Encoded: boolean;
}

/** Returns undefined for a malformed `payload`: no object, no HTTP status code, or a body that is no string. */
export function parseProxyResponse(payload: unknown): ProxyResponse | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { statusCode, body, headers, multiValueHeaders, isBase64Encoded } = payload as Readonly<
    Record<string, unknown>
  >;
  const status = typeof statusCode === 'string' ? Number(statusCode) : statusCode;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) return undefined;
  if (body !== undefined && body !== null && typeof body !== 'string') return undefined;
  if (![headers, multiValueHeaders].every((each) => each === undefined || typeof each === 'object')) return undefined;
  return {
    statusCode: status,
    body: body ?? undefined,
    header: (name) => valuesOf(multiValueHeaders, name) ?? valuesOf(headers, name) ?? [],
    isBase64Encoded: isBase64Encoded === true,
  };
}

function valuesOf(headers: unknown, name: string): readonly string[] | undefined {
  const entry = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name.toLowerCase());
  if (entry === undefined || entry[1] === null) return undefined;
  return [entry[1]].flat().map(String);
}
