import { type Capability, capabilityOf, DEFAULT_CAPABILITY } from './capability.ts';

// What `lib/` checks before it puts it into an environment variable.
export { type Capability, capabilityOf, OPERATIONS } from './capability.ts';

/** The environment variables of the functions: `lib/` sets them, this file alone reads them. */
export const ENV = {
  connectionsTable: 'BECKON_CONNECTIONS_TABLE',
  messagesTable: 'BECKON_MESSAGES_TABLE',
  tasksQueueUrl: 'BECKON_TASKS_QUEUE_URL',
  retentionSeconds: 'BECKON_RETENTION_SECONDS',
  callbackUrl: 'BECKON_CALLBACK_URL',
  expectedConnections: 'BECKON_EXPECTED_CONNECTIONS',
  issuer: 'BECKON_ISSUER',
  audience: 'BECKON_AUDIENCE',
  jwksUrl: 'BECKON_JWKS_URL',
  secretArn: 'BECKON_SECRET_ARN',
  allowedOrigins: 'BECKON_ALLOWED_ORIGINS',
  defaultCapability: 'BECKON_DEFAULT_CAPABILITY',
  stackName: 'BECKON_STACK_NAME',
} as const;

/** The CloudWatch namespace of Beckon's metrics; their one dimension is `Stack`. */
export const METRIC_NAMESPACE = 'Beckon';

/** Beckon's metrics; all are counts. */
export const METRIC_NAMES = [
  'MessagesDelivered',
  'MessagesStored',
  'MessagesDropped',
  'ConnectionsGone',
  'PostsFailed',
  'TasksFailed',
  'HandshakesRefused',
  'FramesRefused',
  'Errors',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

type Env = Readonly<Record<string, string | undefined>>;

/** Where the directory is. */
export interface DirectoryConfig {
  readonly connectionsTable: string;
}

/** Where the log is, and how long it keeps what is in it. */
export interface LogConfig {
  readonly messagesTable: string;
  readonly retentionSeconds: number;
}

/** What sending takes. */
export interface SendConfig extends DirectoryConfig, LogConfig {
  /** The queue of the `work` function. */
  readonly tasksQueueUrl: string;
}

/** Whose tokens are accepted, and from which pages. */
export interface IdentityConfig {
  /** The `iss` that tokens must carry. */
  readonly issuer: string;
  /** The `aud` that tokens must carry. */
  readonly audience: string;
  /** Where keys come from: the issuer's key set, or a secret shared with it. */
  readonly keys: { readonly jwksUrl: string } | { readonly secretArn: string };
  /** Origins of pages that may connect; `*` allows all. Clients that send no `Origin` are not pages. */
  readonly allowedOrigins: readonly string[];
  /** What tokens without the claim `capability` allow. */
  readonly defaultCapability: Capability;
}

/** @throws Error naming a variable that is missing. */
export function readDirectoryConfig(env: Env = process.env): DirectoryConfig {
  return Object.freeze({ connectionsTable: required(env, ENV.connectionsTable) });
}

/** @throws Error naming a variable that is missing. */
export function readLogConfig(env: Env = process.env): LogConfig {
  const retentionSeconds = Number(required(env, ENV.retentionSeconds));
  return Object.freeze({ messagesTable: required(env, ENV.messagesTable), retentionSeconds });
}

/** @throws Error naming a variable that is missing. */
export function readSendConfig(env: Env = process.env): SendConfig {
  const tasksQueueUrl = required(env, ENV.tasksQueueUrl);
  return Object.freeze({ ...readDirectoryConfig(env), ...readLogConfig(env), tasksQueueUrl });
}

/**
 * The Management API's endpoint, where the connections of this API can be posted to:
 * `https://{apiId}.execute-api.{region}.amazonaws.com/{stage}`.
 * @throws Error if it is missing
 */
export function readCallbackUrl(env: Env = process.env): string {
  return required(env, ENV.callbackUrl);
}

/** How many connections there may be at once. 0: nothing is said of it. */
export function readExpectedConnections(env: Env = process.env): number {
  return Number(env[ENV.expectedConnections] || 0);
}

/** Without `BECKON_SECRET_ARN`, the keys are at `BECKON_JWKS_URL`, or where issuers commonly have them. */
export function readIdentityConfig(env: Env = process.env): IdentityConfig {
  const issuer = required(env, ENV.issuer);
  const secretArn = env[ENV.secretArn];
  const jwksUrl = env[ENV.jwksUrl] || `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`;
  return Object.freeze({
    issuer,
    audience: required(env, ENV.audience),
    keys: secretArn ? { secretArn } : { jwksUrl },
    allowedOrigins: (env[ENV.allowedOrigins] ?? '').split(',').filter(Boolean),
    defaultCapability: readDefaultCapability(env[ENV.defaultCapability]),
  });
}

function readDefaultCapability(text: string | undefined): Capability {
  if (!text) return DEFAULT_CAPABILITY;
  const capability = capabilityOf(text);
  if (!capability) throw new Error(`The environment variable ${ENV.defaultCapability} does not hold a capability.`);
  return capability;
}

/** The value of the metrics' dimension `Stack`. */
export function readStackName(env: Env = process.env): string {
  return env[ENV.stackName] || 'unknown';
}

/** The credentials that Lambda gives an execution environment. */
export function readAwsCredentials(env: Env = process.env) {
  const sessionToken = env['AWS_SESSION_TOKEN'];
  return {
    accessKeyId: required(env, 'AWS_ACCESS_KEY_ID'),
    secretAccessKey: required(env, 'AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken && { sessionToken }),
  };
}

/** The name of the function that this code runs in, if it is one. */
export function readFunctionName(env: Env = process.env): string | undefined {
  return env['AWS_LAMBDA_FUNCTION_NAME'];
}

function required(env: Env, name: string): string {
  const value = env[name];
  if (!value)
    throw new Error(
      `The environment variable ${name} is not set. Beckon.grantSend(fn) and the Beckon construct set the ones of Beckon.`,
    );
  return value;
}
