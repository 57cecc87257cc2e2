import type { IncomingHttpHeaders } from 'node:http';

/** The signer of a request. `admin` (access key `local`) may do everything, a role only what its policies allow. */
export type Principal =
  | { readonly kind: 'admin' }
  | { readonly kind: 'role'; readonly roleArn: string; readonly sessionName: string };

/** A request to an AWS service, with a verified signature. */
export interface AwsRequest {
  /** The service of the SigV4 credential scope: `dynamodb`, `execute-api`, `lambda`, … */
  readonly service: string;
  readonly principal: Principal;
  readonly method: string;
  /** The `Host` header. */
  readonly host: string;
  /** The path as sent: percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface AwsResponse {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The capacity that a call of DynamoDB consumed, if its engine reports it. */
  readonly units?: CapacityUnits;
}

/** Capacity units of DynamoDB, including those of indexes. */
export interface CapacityUnits {
  readonly read: number;
  readonly write: number;
}

/** The services of the local cloud, by the name in their signatures and actions. */
export const SERVICES_HERE = [
  'dynamodb',
  'events',
  'execute-api',
  'lambda',
  'secretsmanager',
  'sqs',
  'ssm',
  'sts',
] as const;

/** One emulated AWS service: answers its API and provisions its CloudFormation resource types. */
export interface AwsService {
  /** The name in the SigV4 credential scope. */
  readonly name: (typeof SERVICES_HERE)[number];
  readonly providers: readonly ResourceProvider[];
  /** Answers a call, or throws an {@link AwsError}. The service calls {@link Authorize} first. */
  handle(request: AwsRequest): Promise<AwsResponse>;
  /** Stops timers, workers and sockets, and flushes durable data. */
  close(): Promise<void>;
}

/**
 * Throws `AccessDeniedException` unless the principal's policies allow `action` (`dynamodb:PutItem`) on `resourceArn`.
 * `context` holds the condition keys of the request, e.g. `dynamodb:LeadingKeys`.
 */
export type Authorize = (
  principal: Principal,
  action: string,
  resourceArn: string,
  context?: Readonly<Record<string, string | readonly string[]>>,
) => void;

/** Lets a service assume a role. @throws AwsError if the role does not exist, or does not trust the service */
export type AssumeRole = (roleArn: string, service: string) => Principal;

/** An error of the emulated AWS API: `code` is AWS's own name for it. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly statusCode: number;

  constructor(code: string, message: string, statusCode = 400) {
    super(message);
    this.code = code;
    this.statusCode = statusCode;
  }
}

/** A resource, after all intrinsic functions have their values. */
export interface Resource {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  /** The name, the same after a restart: the stack's name, the logical id and a short hash. */
  readonly physicalName: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** The folder that asset paths (`aws:asset:path`, `Code.S3Key`) are relative to. */
  readonly assetDirectory: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The values of `Ref` and `Fn::GetAtt` for a provisioned resource. */
export interface Provisioned {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Returns any other attribute. The attributes of a resource that is left out are unknown. */
  otherAttribute?(name: string): string;
}

/** Creates resources of one CloudFormation type. */
export interface ResourceProvider {
  readonly type: string;
  /** The top-level properties with an effect. The local cloud refuses properties outside this list and `inertProperties`. */
  readonly properties: readonly string[];
  /** Properties without an observable effect here (tags, descriptions, log formats). */
  readonly inertProperties?: readonly string[];
  /** The property that names the owner of the resource. If the owner is left out, so is the resource. */
  readonly partOf?: string;
  /** Creates the resource. @throws Error naming the resource and the property for an unsupported value */
  create(resource: Resource): Promise<Provisioned> | Provisioned;
  /**
   * Makes a stand-in for a resource that is left out for `reason`, one sentence. Properties without a value are absent.
   * Default: a plausible `Ref` and plausible attributes.
   */
  leaveOut?(resource: Resource, reason: string): Provisioned;
}

/** The header with the trace of a request. The SDK of a function sends that of its invocation with each call. */
export const TRACE_HEADER = 'x-amzn-trace-id';

/** The account and region of the local cloud. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';

/** The source of an invocation: an AWS service on behalf of a resource. `AWS::Lambda::Permission` has to allow it. */
export interface InvocationSource {
  /** e.g. `apigateway.amazonaws.com` */
  readonly service: string;
  /** e.g. `arn:aws:execute-api:us-east-1:000000000000:a1b2c3d4e5/prod/sendMessage` */
  readonly sourceArn: string;
  /** The role that the service assumes for it. Then its policies count, instead of permissions. */
  readonly roleArn?: string;
}

export type InvocationResult =
  | { readonly kind: 'ok'; readonly payload: unknown }
  /** The handler threw, did not load, or its process died. */
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string; readonly trace?: string[] }
  /** The function's own timeout passed. */
  | { readonly kind: 'timeout' }
  /** No permission allows this source to invoke the function. */
  | { readonly kind: 'denied' }
  /** The function is at its concurrency limit. */
  | { readonly kind: 'throttled' };

/** Invokes a function synchronously, as API Gateway does. */
export type Invoke = (functionArn: string, payload: unknown, source: InvocationSource) => Promise<InvocationResult>;

/**
 * Invokes a function asynchronously, as EventBridge does. Lambda retries, and handles failed events.
 * @returns `denied` if no permission allows this source to invoke the function, or the function does not exist
 */
export type InvokeAsync = (functionArn: string, payload: unknown, source: InvocationSource) => 'accepted' | 'denied';

/** One log entry, for the terminal and `GET /_local/log`. */
export type Log = (entry: {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** The part that writes it: `apigateway`, `lambda`, `iam`, a function's name… */
  readonly source: string;
  readonly message: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}) => void;
