import { Duration, type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import {
  type Capability,
  canonicalOrigin,
  capabilityOfClaim,
  DEFAULT_INBOX_LIMIT,
  DEFAULT_RETENTION_DAYS,
  DEFAULT_SIZE_LIMITS,
  isOrigin,
  isUserId,
  NAME_RULE,
  OPERATIONS,
  type SizeLimits,
} from '../server/config.ts';

const MODES = ['production', 'development'] as const;

/** The default of `retention`. */
export const DEFAULT_RETENTION = Duration.days(DEFAULT_RETENTION_DAYS);

/** An issuer whose tokens Beckon accepts. The user is the token's `sub`. */
export interface Issuer {
  /** The `iss` of its tokens, such as `https://login.example.com/`. */
  readonly issuer: string;

  /** The `aud` of its tokens. */
  readonly audience: string;

  /**
   * The claim that contains the audience. Access tokens of Cognito have no `aud`: for them, set `client_id` here, and the id
   * of the app client as `audience`.
   * @default 'aud'
   */
  readonly audienceClaim?: 'aud' | 'client_id';

  /**
   * The URL at which the issuer publishes its keys.
   * @default - `{issuer}/.well-known/jwks.json`, which is right for Cognito and Auth0
   */
  readonly jwksUrl?: string;

  /**
   * The secret with which the issuer signs (HS256, HS384 or HS512) if it publishes no keys. It has at least 32 bytes.
   * @default - the issuer signs with the keys at `jwksUrl`
   */
  readonly sharedSecret?: SharedSecret;
}

// The following interfaces contain the members of the CDK's interfaces that Beckon uses. They refer to no other type of the CDK, so
// TypeScript also accepts resources of another copy of the CDK, as in a workspace whose packages pin different versions.

/** A secret: the CDK's `ISecret`. */
export interface SharedSecret {
  readonly secretArn: string;
  grantRead(grantee: never): unknown;
}

/** A key of KMS: the CDK's `IKey`. */
export interface EncryptionKey {
  readonly keyArn: string;
  addToResourcePolicy(statement: never): unknown;
}

/** A certificate: the CDK's `ICertificate`. */
export interface DomainCertificate {
  readonly certificateArn: string;
}

/** A zone of Route 53: the CDK's `IHostedZone`. */
export interface DomainZone {
  readonly hostedZoneId: string;
  readonly zoneName: string;
}

/** A span of time: the CDK's `Duration`. */
export type TimeSpan = Pick<Duration, 'toSeconds'>;

/** Which parts of a message users can search. */
export interface SearchOptions {
  /**
   * Paths into the data of messages, such as `text` or `body.title`. Beckon indexes all strings there, and in each element
   * of an array.
   * @default - all strings in the data
   */
  readonly fields?: string[];
}

export interface BeckonProps extends Issuer {
  /**
   * More issuers, each with keys of its own. Their users share one name space: the same `sub` is the same user.
   * @default - Beckon accepts the tokens of `issuer` alone
   */
  readonly otherIssuers?: readonly Issuer[];

  /**
   * The origins of the pages that may connect, such as `https://app.example.com`, `capacitor://localhost` or
   * `chrome-extension://…`. `null` allows pages without an origin of their own, `*` every page.
   * Clients that send no `Origin` header are not pages: they may always connect. So may React Native, whose `Origin` is the
   * address that it connects to.
   * @default - no page may connect
   */
  readonly allowedOrigins?: string[];

  /**
   * What a token without the claim `capability` allows, such as `{ 'user:*': ['send'], 'room:team-*': ['join', 'send'] }`. A
   * text is the same in JSON, for a parameter of the stack.
   * @default - all operations on users (`send`, `history`, `presence`), and no rooms
   */
  readonly defaultCapability?: Capability | string;

  /**
   * Whether each user has a list of conversations, with a total of unread messages. A stored message to a user costs one write unit more for
   * the recipient and one for the sender; joining a room costs one.
   * @default true
   */
  readonly conversations?: boolean;

  /**
   * Whether users can search for messages by the words in them. Beckon writes one item for each different word of a message,
   * up to 100. Parts of names count as words, and so do each two neighbours in a script without spaces.
   * @default false
   */
  readonly search?: boolean | SearchOptions;

  /**
   * The last part of the WebSocket URL.
   * @default 'prod'
   */
  readonly stageName?: string;

  /**
   * The average limit of the stage, in events per second. It protects the 10,000 of the account.
   * @default 2000
   */
  readonly throttleRateLimit?: number;

  /**
   * The burst limit of the stage, in events.
   * @default 1000
   */
  readonly throttleBurstLimit?: number;

  /**
   * The most posts per second to large rooms and to many watchers, from 2 to 1,000,000. They share the account's 10,000
   * requests per second with all other posts and frames, also of other APIs. Thirteen regions have 2,500: set 1,250 there.
   * @default 5000
   */
  readonly deliveryPostsPerSecond?: number;

  /**
   * The number of connections that you expect at once. API Gateway accepts 500 new ones per second. If all clients lose
   * their connections, they spread their attempts to reconnect over one second for each 500.
   * @default - 15,000: clients spread their attempts over 30 seconds
   */
  readonly expectedConnections?: number;

  /**
   * How long Beckon keeps messages for devices that are not connected.
   * @default Duration.days(7)
   */
  readonly retention?: TimeSpan;

  /**
   * `production` protects stored data: you can restore tables to any moment of the last 35 days, tables outlive their stack,
   * nobody can delete them by accident, and there are alarms. `development` deletes everything with its stack, and has no
   * alarms.
   * @default 'production'
   */
  readonly mode?: (typeof MODES)[number];

  /**
   * Whether tables and logs outlive their stack. Tables that do are protected from accidental deletion as well.
   * @default - RemovalPolicy.RETAIN in production, RemovalPolicy.DESTROY in development
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * How long CloudWatch keeps logs.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * A key of your own for tables, queues and logs. Functions may use it through DynamoDB and SQS only. Beckon extends the
   * policy of a key that this app creates, so that CloudWatch Logs may use it. The policy of an imported key has to allow
   * that already. The stack needs a region (`env`).
   * @default - keys that AWS owns, which cost nothing
   */
  readonly encryptionKey?: EncryptionKey;

  /**
   * A domain name of your own for `webSocketUrl`. Clients need TLS 1.2 or newer.
   * @default - `{apiId}.execute-api.{region}.amazonaws.com`
   */
  readonly domain?: CustomDomain;

  /**
   * Lower limits than the default ones: `maxFrameBytes` (32,768), `maxDataBytes` (32,768), `maxDataDepth` (64),
   * `maxMessagesPerFrame` (50), `maxUsersPerMessage` (100), and `maxRooms` (50) and `maxWatches` (200) of a connection.
   * Beckon tells clients the limits, and they keep to them.
   * @default - the limits in parentheses
   */
  readonly limits?: Partial<SizeLimits>;

  /**
   * How fast one connection may send. Beckon refuses further messages with `rate_limited` and the time of the next attempt.
   * It disconnects a client that ignores that.
   * @default - 100 messages a second, and 500 at once after a pause
   */
  readonly rateLimit?: RateLimitProps;

  /**
   * How fast one user may send over all their connections together. Each connection may exceed it by a tenth of `burst`.
   * @default - the same as `rateLimit`
   */
  readonly userRateLimit?: RateLimitProps;

  /**
   * How much one user may leave in the inbox of another who reads nothing. Beckon refuses further messages with
   * `not_accepted` until the recipient is back and has acknowledged the inbox. The limit does not apply to services and
   * rooms.
   * @default - 100 messages, and 1,048,576 bytes
   */
  readonly inbox?: InboxProps;

  /**
   * Whether this stack sets the role with which API Gateway writes logs. An account has one for each region: set false if
   * another stack sets it.
   * @default true
   */
  readonly manageAccountLogRole?: boolean;

  /**
   * Whether the stack has the outputs `WebSocketUrl`, `SendFunctionName` and `ManageFunctionName`. The CDK puts the path of
   * the construct before each name and a hash behind it: `BeckonWebSocketUrl1A2B3C4D`. `beckon … --stack NAME` reads them.
   * @default true
   */
  readonly outputs?: boolean;
}

/**
 * A rate limit. Beckon charges frames for their effects: a short message to one user, and most other frames, count as one, a
 * message to ten users as ten. See `docs/protocol.md`, "The rate limit".
 */
export interface RateLimitProps {
  /** The average rate. */
  readonly messagesPerSecond: number;
  /** The number of messages at once after a pause. */
  readonly burst: number;
}

/** How much one user may leave in an inbox that nobody reads. */
export interface InboxProps {
  /** @default 100 */
  readonly maxMessages?: number;
  /**
   * Their size as the recipient gets them: bytes of their JSON in UTF-8. One message has up to 34,000.
   * @default 1,048,576
   */
  readonly maxBytes?: number;
}

/** A domain name that clients connect to. */
export interface CustomDomain {
  /** The name, such as `ws.example.com`. */
  readonly domainName: string;
  /** A certificate for the name, in the region of the stack. */
  readonly certificate: DomainCertificate;
  /**
   * The zone of Route 53 in which Beckon creates the record.
   * @default - no record: point the domain name to `Beckon.domain` yourself
   */
  readonly hostedZone?: DomainZone;
}

/** @throws Error for an unknown mode, which may come from the command line */
export function requireMode(mode: string): (typeof MODES)[number] {
  const known = MODES.find((each) => each === mode);
  if (!known) throw new Error(`mode: expected ${MODES.join(' or ')}, got ${JSON.stringify(mode)}`);
  return known;
}

/** @throws Error for a stack without a region: CloudFormation wants a table's key for each region by name */
export function requireRegion(scope: Construct): void {
  const { region, stackName } = Stack.of(scope);
  if (!Token.isUnresolved(region)) return;
  throw new Error(
    `encryptionKey: a key belongs to a region, and the stack ${stackName} has none. Set one: { env: { region: 'eu-west-1' } }.`,
  );
}

/** @throws Error for two issuers of one name, for an issuer with two sources of keys, and for keys that come without TLS */
export function requireIssuers(issuers: readonly Issuer[]): void {
  const names = issuers.map(({ issuer }) => issuer);
  for (const { issuer, jwksUrl, sharedSecret } of issuers) {
    if (names.indexOf(issuer) !== names.lastIndexOf(issuer))
      throw new Error(`issuer: ${issuer} appears twice. Merge the two`);
    if (jwksUrl && sharedSecret) throw new Error(`issuer ${issuer}: expected either jwksUrl or sharedSecret, got both`);
    const keysAt = sharedSecret ? undefined : (jwksUrl ?? issuer);
    if (keysAt !== undefined && !Token.isUnresolved(keysAt) && !keysAt.startsWith('https://')) {
      throw new Error(`issuer ${issuer}: Beckon fetches its keys from ${keysAt}, which does not start with https://`);
    }
  }
}

/** @throws Error for a text that no browser sends as an origin, because it would never match */
export function requireOrigins(origins: readonly string[]): void {
  const known = Token.isUnresolved(origins) ? [] : origins;
  const wrong = known.find((origin) => !Token.isUnresolved(origin) && !isOrigin(origin));
  if (wrong === undefined) return;
  throw new Error(`allowedOrigins: ${JSON.stringify(wrong)} is no origin. ${adviceFor(wrong)}`);
}

function adviceFor(wrong: string): string {
  const meant = canonicalOrigin(wrong);
  if (meant !== undefined) return `Write it as browsers send it: ${meant}.`;
  if (wrong.includes('*')) return 'List each origin, or allow every page with "*" alone.';
  return 'Write it as https://app.example.com, without a path.';
}

/** Returns the capability in JSON. @throws Error for an invalid one, with which Beckon would accept no token */
export function requireCapability(capability: Capability | string): string {
  const text = typeof capability === 'string' ? capability : JSON.stringify(capability);
  if (Token.isUnresolved(text)) return text;
  const resources = Object.keys(capabilityOfClaim(text) ?? {});
  const nobodys = resources.find((resource) => !isUserId(resource.replace(/^\w+:/, '')));
  if (nobodys !== undefined) {
    throw new Error(`defaultCapability: ${JSON.stringify(nobodys)} contains no valid name. A name has ${NAME_RULE}.`);
  }
  if (capabilityOfClaim(text)) return text;
  throw new Error(
    `defaultCapability: ${text} is no capability. Write it as { 'user:*': ['send'], 'room:team-*': ['join', 'send'] }. ` +
      `The operations are ${OPERATIONS.join(', ')}.`,
  );
}

/** Returns the limits in JSON. @throws Error for an unknown limit, and for a value above the default */
export function requireSizeLimits(limits: Partial<SizeLimits>): string {
  for (const [name, value] of Object.entries(limits)) {
    const most = DEFAULT_SIZE_LIMITS[name as keyof SizeLimits];
    if (most === undefined)
      throw new Error(`limits.${name}: unknown limit, expected one of ${Object.keys(DEFAULT_SIZE_LIMITS).join(', ')}`);
    if (!(Number.isInteger(value) && value >= 1 && value <= most))
      throw new Error(`limits.${name}: expected a whole number from 1 to ${most}, got ${value}`);
  }
  return JSON.stringify(limits);
}

/** Returns the limits in JSON. @throws Error for an unknown limit, and for a value that is no whole number above 0 */
export function requireInboxLimit(inbox: InboxProps): string {
  for (const [name, value] of Object.entries(inbox)) {
    if (!Object.hasOwn(DEFAULT_INBOX_LIMIT, name))
      throw new Error(`inbox.${name}: unknown limit, expected one of ${Object.keys(DEFAULT_INBOX_LIMIT).join(', ')}`);
    if (!(Number.isInteger(value) && value >= 1))
      throw new Error(`inbox.${name}: expected a whole number above 0, got ${value}`);
  }
  return JSON.stringify(inbox);
}

/** @throws Error for a rate that lets nobody send */
export function requireRateLimit(
  prop: 'rateLimit' | 'userRateLimit',
  { messagesPerSecond, burst }: RateLimitProps,
): RateLimitProps {
  for (const [name, value] of Object.entries({ messagesPerSecond, burst })) {
    if (!Token.isUnresolved(value) && !(value > 0))
      throw new Error(`${prop}.${name}: expected a number above 0, got ${value}`);
  }
  return { messagesPerSecond, burst };
}

/** @throws Error for a value that is no whole number above 0 */
export function requireConnections(expectedConnections: number): void {
  const isCount = Number.isInteger(expectedConnections) && expectedConnections > 0;
  if (isCount || Token.isUnresolved(expectedConnections)) return;
  throw new Error(`expectedConnections: expected a whole number above 0, got ${expectedConnections}`);
}

/** The default of `deliveryPostsPerSecond`: half of the account's quota. */
export const DEFAULT_DELIVERY_POSTS_PER_SECOND = 5_000;

/** About how many posts per second one vCPU makes. */
const POSTS_PER_VCPU = 1_000;

/** How many invocations of `deliver` run at once (SQS takes 2 to 1,000), and how fast each posts. @throws Error for another number */
export function deliveryPace(postsPerSecond: number): { maxConcurrency: number; postsPerInvocation: number } {
  if (!(postsPerSecond >= 2 && postsPerSecond <= 1_000 * POSTS_PER_VCPU))
    throw new Error(`deliveryPostsPerSecond: expected a number from 2 to 1000000, got ${postsPerSecond}`);
  const maxConcurrency = Math.max(2, Math.ceil(postsPerSecond / POSTS_PER_VCPU));
  return { maxConcurrency, postsPerInvocation: postsPerSecond / maxConcurrency };
}

/** Returns the options, or `undefined` without search. @throws Error for a path with an empty part */
export function searchOptions(search: BeckonProps['search'] = false): SearchOptions | undefined {
  const options = search === true ? {} : search || undefined;
  const wrong = options?.fields?.find((field) => field.split('.').includes(''));
  if (wrong === undefined && options?.fields?.length !== 0) return options;
  throw new Error(
    `search.fields: expected paths such as "text" or "body.title", got ${JSON.stringify(wrong ?? options?.fields)}`,
  );
}
