import type { IncomingHttpHeaders } from 'node:http';

/** Who signed a request. `admin` (access key `local`) may do everything; a role, what its policies allow. */
export type Principal =
  | { readonly kind: 'admin' }
  | { readonly kind: 'role'; readonly roleArn: string; readonly sessionName: string };

/** A request to an AWS service whose signature has been verified. */
export interface AwsRequest {
  /** The service of the SigV4 credential scope: `dynamodb`, `execute-api`, `lambda`, … */
  readonly service: string;
  readonly principal: Principal;
  readonly method: string;
  /** The `Host` header. */
  readonly host: string;
  /** As sent: still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface AwsResponse {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** What a call of DynamoDB used up, as far as its engine tells. */
  readonly units?: CapacityUnits;
}

/** Units of DynamoDB, those of indexes included. */
export interface CapacityUnits {
  readonly read: number;
  readonly write: number;
}

/** The services that run here, by the name that they sign for and that their actions begin with. */
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
  /** Answers a call, or throws an {@link AwsError}. The service itself asks {@link Authorize} first. */
  handle(request: AwsRequest): Promise<AwsResponse>;
  /** Stops timers, workers and sockets, and flushes what must survive. */
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

/** A service assumes a role. Throws an {@link AwsError} when there is no such role, or it does not trust the service. */
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

/** A resource whose intrinsic functions have been resolved. */
export interface Resource {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  /** Stable over restarts: made of the stack's name and the logical id, with a short hash. */
  readonly physicalName: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** The folder that asset paths (`aws:asset:path`, `Code.S3Key`) are relative to. */
  readonly assetDirectory: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What `Ref` and `Fn::GetAtt` give for a provisioned resource. */
export interface Provisioned {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Gives any other attribute: of a resource that is left out, nobody here knows which there are. */
  otherAttribute?(name: string): string;
}

/** Creates resources of one CloudFormation type. */
export interface ResourceProvider {
  readonly type: string;
  /** The top-level properties it honours. Any property outside this and `inertProperties` is refused by name. */
  readonly properties: readonly string[];
  /** Properties that change nothing that can be observed locally (tags, descriptions, log formats). */
  readonly inertProperties?: readonly string[];
  /** The property that names what it is a part of: it is left out with that, whatever else there is to say of it. */
  readonly partOf?: string;
  /** Throws a plain Error naming the resource and the property when a value is not supported. */
  create(resource: Resource): Promise<Provisioned> | Provisioned;
  /**
   * Stands in for a resource that is left out for `reason`, one sentence. A property that cannot be evaluated is absent.
   * Default: a plausible `Ref` and plausible attributes.
   */
  leaveOut?(resource: Resource, reason: string): Provisioned;
}

/** The account and region in which everything local lives. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';

/** Who asks for an invocation: an AWS service on behalf of a resource. Checked against `AWS::Lambda::Permission`. */
export interface InvocationSource {
  /** e.g. `apigateway.amazonaws.com` */
  readonly service: string;
  /** e.g. `arn:aws:execute-api:us-east-1:000000000000:a1b2c3d4e5/prod/sendMessage` */
  readonly sourceArn: string;
  /** The role that the service assumes for it. Its policies are checked, then, in the place of permissions. */
  readonly roleArn?: string;
}

export type InvocationResult =
  | { readonly kind: 'ok'; readonly payload: unknown }
  /** The handler threw, could not be loaded, or its process died. */
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string; readonly trace?: string[] }
  /** The function's own timeout passed. */
  | { readonly kind: 'timeout' }
  /** No permission lets this source invoke the function. */
  | { readonly kind: 'denied' }
  /** The concurrency limit was reached. */
  | { readonly kind: 'throttled' };

/** Invokes a function synchronously, as API Gateway does. */
export type Invoke = (functionArn: string, payload: unknown, source: InvocationSource) => Promise<InvocationResult>;

/**
 * Hands an event to Lambda, which invokes the function later, tries again, and sees to what fails, as EventBridge does.
 * @returns `denied` if no permission lets this source invoke the function, or there is no such function
 */
export type InvokeAsync = (functionArn: string, payload: unknown, source: InvocationSource) => 'accepted' | 'denied';

/** One line of what happened, for the terminal and `GET /_local/log`. */
export type Log = (entry: {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** The part that speaks: `apigateway`, `lambda`, `iam`, a function's name… */
  readonly source: string;
  readonly message: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}) => void;
