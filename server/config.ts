import { isObject } from '../protocol/json.ts';
import { DEFAULT_SIZE_LIMITS, INDEXED_TARIFF, type SizeLimits, TARIFF, type Tariff } from '../protocol/limits.ts';
import { parseJson } from '../protocol/parse-json.ts';
import { type Capability, capabilityOfClaim, DEFAULT_CAPABILITY } from './auth/capability.ts';
import type { RateLimit } from './gate/rate-limit.ts';

// `lib/` checks these before it writes them into environment variables, and `cli/` before it asks for them.
export { NAME_RULE } from '../protocol/fields.ts';
export { DEFAULT_SIZE_LIMITS, type SizeLimits } from '../protocol/limits.ts';
export { isUserId } from '../protocol/parse.ts';
export { SUBPROTOCOL } from '../protocol/subprotocols.ts';
export { type Capability, capabilityOfClaim, OPERATIONS } from './auth/capability.ts';
export { canonicalOrigin, isOrigin, ORIGIN_PATTERN } from './auth/origins.ts';

/** The environment variables of the functions. `lib/` sets them, and only this file reads them. */
export const ENV = {
  connectionsTable: 'BECKON_CONNECTIONS_TABLE',
  messagesTable: 'BECKON_MESSAGES_TABLE',
  tasksQueueUrl: 'BECKON_TASKS_QUEUE_URL',
  deliveriesQueueUrl: 'BECKON_DELIVERIES_QUEUE_URL',
  postsPerSecond: 'BECKON_POSTS_PER_SECOND',
  retentionSeconds: 'BECKON_RETENTION_SECONDS',
  callbackUrl: 'BECKON_CALLBACK_URL',
  expectedConnections: 'BECKON_EXPECTED_CONNECTIONS',
  issuers: 'BECKON_ISSUERS',
  allowedOrigins: 'BECKON_ALLOWED_ORIGINS',
  defaultCapability: 'BECKON_DEFAULT_CAPABILITY',
  ratePerSecond: 'BECKON_RATE_PER_SECOND',
  rateBurst: 'BECKON_RATE_BURST',
  userRatePerSecond: 'BECKON_USER_RATE_PER_SECOND',
  userRateBurst: 'BECKON_USER_RATE_BURST',
  sizeLimits: 'BECKON_SIZE_LIMITS',
  inboxLimit: 'BECKON_INBOX_LIMIT',
  search: 'BECKON_SEARCH',
  conversations: 'BECKON_CONVERSATIONS',
  stackName: 'BECKON_STACK_NAME',
} as const;

/** What one user may leave in an inbox that nobody reads. */
export interface InboxLimit {
  readonly maxMessages: number;
  /** Of their JSON in UTF-8. */
  readonly maxBytes: number;
}

/** The limit of an installation that sets none. */
export const DEFAULT_INBOX_LIMIT: InboxLimit = { maxMessages: 100, maxBytes: 1024 * 1024 };

/** How long an installation keeps messages that sets nothing else, in days. */
export const DEFAULT_RETENTION_DAYS = 7;

/** The index of the messages table, and its partition key: it finds the messages between two users. */
export const PAIR_INDEX = 'conversation';

/** The CloudWatch namespace of Beckon's metrics; their one dimension is `Stack`. */
export const METRIC_NAMESPACE = 'Beckon';

/** Beckon's metrics, all of them counts, and what each counts. docs/deploy.md lists them. */
export const METRICS = {
  MessagesSent: 'messages that at least one device got, or that are queued for a large room',
  MessagesStored: 'messages that are kept because no device was connected',
  MessagesDropped: 'messages with `ephemeral: true` that no device got',
  ConnectionsGone: 'posts to connections that no longer exist',
  PostsFailed: 'posts that a connection may have missed: it is closed, and its client resumes',
  PostsThrottled:
    'posts to a large room that waited because API Gateway refused them: a quota of the account is used up',
  TasksFailed: 'attempts at a task of the queue that failed',
  HandshakesRefused: 'handshakes that were refused: token, origin, too many of one user, unsupported version',
  FramesRefused: 'frames, messages and invocations that were answered with an error',
  Errors: 'internal errors',
} as const;
export type MetricName = keyof typeof METRICS;

type Env = Readonly<Record<string, string | undefined>>;

/**
 * How the clients of the AWS SDK are configured. Absent settings come from the environment or the profile, as always.
 */
export interface ClientSettings {
  readonly region?: string;
  /** One URL for all services, such as that of the local cloud. */
  readonly endpoint?: string;
  /**
   * Credentials, or a function that returns them, such as `fromTemporaryCredentials()` of
   * `@aws-sdk/credential-providers`.
   */
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>);
}

interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** How to reach AWS. */
interface Reachable {
  /** @default - by the environment */
  readonly client?: ClientSettings | undefined;
}

/** Where the directory is. */
export interface DirectoryConfig extends Reachable {
  readonly connectionsTable: string;
}

/** Where the log is, and how long it keeps messages. */
export interface LogConfig extends Reachable {
  readonly messagesTable: string;
  readonly retentionSeconds: number;
}

/** What sending needs. */
export interface SendConfig extends DirectoryConfig, LogConfig {
  /** The queue of the `tasks` function. */
  readonly tasksQueueUrl: string;
  /**
   * The queue of the `deliver` function. Absent if `grantSend` of an older release set the other variables: then `tasks`
   * passes the deliveries on.
   */
  readonly deliveriesQueueUrl?: string | undefined;
  /**
   * The Management API's endpoint of this installation. Absent if `grantSend` of an older release set the other
   * variables.
   */
  readonly callbackUrl?: string | undefined;
}

/** An issuer whose tokens are accepted, as the `Beckon` construct writes it into `BECKON_ISSUERS`. */
export interface IssuerConfig {
  /** The `iss` that tokens must carry. */
  readonly issuer: string;
  /** The value that `audienceClaim` must have or contain. */
  readonly audience: string;
  /** @default 'aud' */
  readonly audienceClaim?: 'aud' | 'client_id';
  /** Where the issuer publishes its keys. @default - `{issuer}/.well-known/jwks.json` */
  readonly jwksUrl?: string;
  /** A secret shared with the issuer, in place of published keys. */
  readonly secretArn?: string;
}

/** The URL of the keys of an issuer without a shared secret. */
export function jwksUrlOf({ issuer, jwksUrl }: IssuerConfig): string {
  return jwksUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`;
}

/** Which tokens are accepted, and from which pages. */
export interface IdentityConfig {
  readonly issuers: readonly IssuerConfig[];
  /** Origins of pages that may connect; `*` allows all. A client that sends no `Origin` is not a page. */
  readonly allowedOrigins: readonly string[];
  /** The capability of tokens without the claim `capability`. */
  readonly defaultCapability: Capability;
}

/** What search covers. */
export interface SearchConfig {
  /** Paths into the data of messages, such as `text` or `body.title`. Absent: every string in it. */
  readonly fields?: readonly string[] | undefined;
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
  const deliveriesQueueUrl = env[ENV.deliveriesQueueUrl];
  const callbackUrl = env[ENV.callbackUrl];
  return Object.freeze({
    ...readDirectoryConfig(env),
    ...readLogConfig(env),
    tasksQueueUrl,
    deliveriesQueueUrl,
    callbackUrl,
  });
}

/**
 * The Management API's endpoint, where the connections of this API can be posted to:
 * `https://{apiId}.execute-api.{region}.amazonaws.com/{stage}`.
 * @throws Error if it is missing
 */
export function readCallbackUrl(env: Env = process.env): string {
  return required(env, ENV.callbackUrl);
}

/** How fast one invocation of `deliver` posts. @throws Error if the variable is missing or no number above 0 */
export function readPostsPerSecond(env: Env = process.env): number {
  return positive(env, ENV.postsPerSecond);
}

/** How many connections there may be at once. 0: not known. */
export function readExpectedConnections(env: Env = process.env): number {
  return Number(env[ENV.expectedConnections] || 0);
}

/** How fast one connection may send. @throws Error naming a variable that is missing or no number above 0 */
export function readRateLimit(env: Env = process.env): RateLimit {
  return Object.freeze({ perSecond: positive(env, ENV.ratePerSecond), burst: positive(env, ENV.rateBurst) });
}

/** How fast one user may send. @throws Error naming a variable that is missing or no number above 0 */
export function readUserRateLimit(env: Env = process.env): RateLimit {
  return Object.freeze({ perSecond: positive(env, ENV.userRatePerSecond), burst: positive(env, ENV.userRateBurst) });
}

/** How much a client may do at once. @throws Error if the variable does not hold what it should */
export function readSizeLimits(env: Env = process.env): SizeLimits {
  return Object.freeze({ ...DEFAULT_SIZE_LIMITS, ...readLimits(env, ENV.sizeLimits, DEFAULT_SIZE_LIMITS) });
}

/** What one user may leave in an inbox that nobody reads. @throws Error if the variable does not hold what it should */
export function readInboxLimit(env: Env = process.env): InboxLimit {
  return Object.freeze({ ...DEFAULT_INBOX_LIMIT, ...readLimits(env, ENV.inboxLimit, DEFAULT_INBOX_LIMIT) });
}

/** Reads limits above 0, as JSON, with the names of `known`. */
function readLimits(env: Env, name: string, known: object): object {
  const parsed = parseJson(env[name] || '{}');
  const given = parsed.ok && isObject(parsed.value) ? parsed.value : { '': undefined };
  if (Object.entries(given).some(([limit, value]) => !(Object.hasOwn(known, limit) && Number(value) > 0))) {
    throw new Error(
      `The environment variable ${name} does not hold limits above 0 of ${Object.keys(known).join(', ')}.`,
    );
  }
  return given;
}

/** @throws Error naming a variable that is missing, or that does not hold what it should. */
export function readIdentityConfig(env: Env = process.env): IdentityConfig {
  return Object.freeze({
    issuers: readIssuers(required(env, ENV.issuers)),
    allowedOrigins: (env[ENV.allowedOrigins] ?? '').split(',').flatMap((origin) => origin.trim() || []),
    defaultCapability: readDefaultCapability(env[ENV.defaultCapability]),
  });
}

function readIssuers(text: string): readonly IssuerConfig[] {
  const parsed = parseJson(text);
  const issuers = parsed.ok && Array.isArray(parsed.value) ? parsed.value : [];
  if (issuers.length === 0 || !issuers.every(isIssuer)) {
    throw new Error(`The environment variable ${ENV.issuers} does not hold a list of issuers with their audiences.`);
  }
  return issuers;
}

function isIssuer(value: unknown): value is IssuerConfig {
  const isText = (text: unknown) => typeof text === 'string' && text !== '';
  return isObject(value) && isText(value['issuer']) && isText(value['audience']);
}

function readDefaultCapability(text: string | undefined): Capability {
  if (!text) return DEFAULT_CAPABILITY;
  const capability = capabilityOfClaim(text);
  if (!capability) throw new Error(`The environment variable ${ENV.defaultCapability} does not hold a capability.`);
  return capability;
}

/** What search covers; `undefined` without search. `lib/` writes it as JSON. */
export function readSearchConfig(env: Env = process.env): SearchConfig | undefined {
  const text = env[ENV.search];
  return text ? Object.freeze(JSON.parse(text) as SearchConfig) : undefined;
}

/** Whether each user has a list of conversations. `lib/` writes `false` where it is switched off. */
export function hasConversations(env: Env = process.env): boolean {
  return env[ENV.conversations] !== 'false';
}

/** What frames cost: more where messages are indexed. */
export function readTariff(env: Env = process.env): Tariff {
  return readSearchConfig(env) ? INDEXED_TARIFF : TARIFF;
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

/** The region of this function. */
export function readRegion(env: Env = process.env): string {
  return required(env, 'AWS_REGION');
}

/** The name of the Lambda function; `undefined` outside of Lambda. */
export function readFunctionName(env: Env = process.env): string | undefined {
  return env['AWS_LAMBDA_FUNCTION_NAME'];
}

function positive(env: Env, name: string): number {
  const value = Number(required(env, name));
  if (!(value > 0)) throw new Error(`The environment variable ${name} must be a number above 0, got ${env[name]}.`);
  return value;
}

function required(env: Env, name: string): string {
  const value = env[name];
  if (!value)
    throw new Error(
      `The environment variable ${name} is not set. Beckon.grantSend(fn) and the Beckon construct set the ones of Beckon.`,
    );
  return value;
}
