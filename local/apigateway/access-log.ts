import type { RequestContext } from './request-context.ts';

/** The facts about one request at its end. */
export interface AccessRecord {
  readonly context: RequestContext;
  /** The client's status, or its equivalent in HTTP. */
  readonly status: number;
  readonly errorMessage?: string;
  readonly integration?: {
    /** The status in the Lambda function's own answer. Undefined if it failed. */
    readonly status?: number;
    readonly latencyMs: number;
    readonly errorMessage?: string;
  };
  readonly authorizer?: { readonly status: number; readonly latencyMs: number; readonly errorMessage?: string };
}

/** A compiled `AccessLogSettings.Format`. */
export interface AccessLogFormat {
  /** Unknown variables, for which API Gateway writes `-`. */
  readonly unknownVariables: readonly string[];
  render(record: AccessRecord): string;
}

type Value = string | number | undefined;

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html */
const VARIABLES: Readonly<Record<string, (record: AccessRecord) => Value>> = {
  apiId: ({ context }) => context.apiId,
  connectedAt: ({ context }) => context.connectedAt,
  connectionId: ({ context }) => context.connectionId,
  domainName: ({ context }) => context.domainName,
  eventType: ({ context }) => context.eventType,
  extendedRequestId: ({ context }) => context.extendedRequestId,
  messageId: ({ context }) => context.messageId,
  requestId: ({ context }) => context.requestId,
  requestTime: ({ context }) => context.requestTime,
  requestTimeEpoch: ({ context }) => context.requestTimeEpoch,
  routeKey: ({ context }) => context.routeKey,
  stage: ({ context }) => context.stage,
  'identity.sourceIp': ({ context }) => context.identity.sourceIp,
  'identity.userAgent': ({ context }) => context.identity.userAgent,
  status: ({ status }) => status,
  'error.message': ({ errorMessage }) => errorMessage,
  'error.messageString': ({ errorMessage }) => (errorMessage === undefined ? undefined : JSON.stringify(errorMessage)),
  integrationErrorMessage: ({ integration }) => integration?.errorMessage,
  integrationLatency: ({ integration }) => integration?.latencyMs,
  integrationStatus: ({ integration }) => integration?.status,
  'integration.error': ({ integration }) => integration?.errorMessage,
  'integration.integrationStatus': ({ integration }) => integration?.status,
  'integration.latency': ({ integration }) => integration?.latencyMs,
  'integration.status': ({ integration }) => integration?.status,
  'authorizer.error': ({ authorizer }) => authorizer?.errorMessage,
  'authorizer.latency': ({ authorizer }) => authorizer?.latencyMs,
  'authorizer.integrationLatency': ({ authorizer }) => authorizer?.latencyMs,
  'authorizer.status': ({ authorizer }) => authorizer?.status,
  'authorizer.integrationStatus': ({ authorizer }) => authorizer?.status,
  'authorize.status': ({ authorizer }) => authorizer?.status,
};

const AUTHORIZER_PROPERTY = /^authorizer\.(.+)$/;
const VARIABLE = /\$context\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)/g;

/** @throws Error if the format has no request id, or several lines. AWS refuses these. */
export function compileAccessLogFormat(format: string): AccessLogFormat {
  const names = Array.from(format.matchAll(VARIABLE), ([, name]) => name ?? '');
  if (!names.includes('requestId') && !names.includes('extendedRequestId')) {
    throw new Error('must contain $context.requestId or $context.extendedRequestId');
  }
  if (/\n./.test(format)) throw new Error('must be a single line');
  return {
    unknownVariables: names.filter((name) => !Object.hasOwn(VARIABLES, name) && !AUTHORIZER_PROPERTY.test(name)),
    render: (record) =>
      format.trimEnd().replaceAll(VARIABLE, (_, name: string) => String(variableValue(name, record) ?? '-')),
  };
}

function variableValue(name: string, record: AccessRecord): Value {
  if (Object.hasOwn(VARIABLES, name)) return VARIABLES[name]?.(record);
  const property = AUTHORIZER_PROPERTY.exec(name)?.[1];
  const context = record.context.authorizer ?? {};
  return property !== undefined && Object.hasOwn(context, property) ? context[property] : undefined;
}
