import { type Duration, type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import {
  type Capability,
  canonicalOrigin,
  capabilityOfClaim,
  DEFAULT_INBOX_LIMIT,
  DEFAULT_SIZE_LIMITS,
  isOrigin,
  isUserId,
  NAME_RULE,
  OPERATIONS,
  type SizeLimits,
} from '../server/config.ts';

const MODES = ['production', 'development'] as const;

/** Someone whose tokens are accepted. The user is the token's `sub`. */
export interface Issuer {
  /** The `iss` that tokens must carry, such as `https://login.example.com/`. */
  readonly issuer: string;

  /** The `aud` that tokens must carry. */
  readonly audience: string;

  /**
   * The claim that carries the audience. Access tokens of Cognito have no `aud`: for them it is `client_id`, and
   * `audience` the id of the app client.
   * @default 'aud'
   */
  readonly audienceClaim?: 'aud' | 'client_id';

  /**
   * Where the issuer publishes its keys.
   * @default - `{issuer}/.well-known/jwks.json`, which is right for Cognito and Auth0
   */
  readonly jwksUrl?: string;

  /**
   * A secret, of at least 32 bytes, that the issuer signs with (HS256, HS384 or HS512) instead of published keys.
   * @default - tokens are signed with the keys at `jwksUrl`
   */
  readonly sharedSecret?: SharedSecret;
}

// What follows are the parts of the CDK's interfaces that Beckon uses. They name no other type of the CDK, so TypeScript also
// accepts the resources of another copy of the CDK, such as a workspace has that pins a version of its own.

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

/** What of a message can be searched. */
export interface SearchOptions {
  /**
   * Paths into the data of messages, such as `text` or `body.title`. All strings there are searched; where there is an array,
   * in each of its elements.
   * @default - every string in the data
   */
  readonly fields?: string[];
}

export interface BeckonProps extends Issuer {
  /**
   * More issuers, each with its own keys. Users of all of them share one name space: the same `sub` is the same user.
   * @default - tokens of `issuer` alone are accepted
   */
  readonly otherIssuers?: readonly Issuer[];

  /**
   * Origins of the pages that may connect, such as `https://app.example.com`, `capacitor://localhost` or
   * `chrome-extension://…`; `null` allows pages without an origin of their own, `*` every page.
   * Clients that send no `Origin` header are not pages, and are always allowed; so is React Native, whose `Origin` is the
   * address that it connects to.
   * @default - no page may connect
   */
  readonly allowedOrigins?: string[];

  /**
   * What tokens without the claim `capability` allow, such as `{ 'user:*': ['send'], 'room:team-*': ['join', 'send'] }`.
   * As text: the same in JSON, for a parameter of the stack.
   * @default - everything that concerns users (`send`, `history`, `presence`), and no rooms
   */
  readonly defaultCapability?: Capability | string;

  /**
   * Whether messages can be found by the words in them. Costs a write for each different word of a message, of which the
   * first 100 count. The parts of names count as words, and so do each two neighbours in a script without spaces.
   * @default false
   */
  readonly search?: boolean | SearchOptions;

  /**
   * The last part of the WebSocket URL.
   * @default 'prod'
   */
  readonly stageName?: string;

  /**
   * Events per second, on average, that the stage lets through: the outer wall of the account's 10,000.
   * @default 2000
   */
  readonly throttleRateLimit?: number;

  /**
   * Events that may come at once.
   * @default 1000
   */
  readonly throttleBurstLimit?: number;

  /**
   * How many connections there may be at once. API Gateway lets 500 in per second, so clients that all lost theirs spread
   * their attempts to come back over one second for each 500.
   * @default - up to 15,000: they spread their attempts over 30 seconds
   */
  readonly expectedConnections?: number;

  /**
   * How long messages are kept for devices that are not connected.
   * @default Duration.days(7)
   */
  readonly retention?: TimeSpan;

  /**
   * `production` protects what is stored: tables can be brought back to any moment of the last 35 days, are kept when the
   * stack goes, and cannot be deleted by accident; alarms go off. `development` goes with its stack, and is quiet.
   * @default 'production'
   */
  readonly mode?: (typeof MODES)[number];

  /**
   * What becomes of tables and logs when the stack is deleted. Tables that are kept are protected from deletion, too.
   * @default - RemovalPolicy.RETAIN in production, RemovalPolicy.DESTROY in development
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * How long logs are kept.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * A key of your own for tables, queues and logs. Functions may use it through DynamoDB and SQS only. The key policy of
   * one that this app creates is extended for CloudWatch Logs; that of an imported one has to allow it already.
   * The stack has to have a region (`env`).
   * @default - keys that AWS owns, which cost nothing
   */
  readonly encryptionKey?: EncryptionKey;

  /**
   * A domain name of your own for `webSocketUrl`, with TLS 1.2 or newer.
   * @default - `{apiId}.execute-api.{region}.amazonaws.com`
   */
  readonly domain?: CustomDomain;

  /**
   * Less than a client may do at once otherwise: `maxFrameBytes` (32,768), `maxDataBytes` (32,768), `maxDataDepth` (64),
   * `maxMessagesPerFrame` (50), `maxUsersPerMessage` (100), `maxRooms` (50) and `maxWatches` (200) of a connection.
   * Clients are told, and keep to it.
   * @default - as much as that
   */
  readonly limits?: Partial<SizeLimits>;

  /**
   * How fast one connection may send. What is more is refused with `rate_limited` and when to try again; whoever goes on
   * regardless is disconnected.
   * @default - 100 messages a second, and 500 at once after a pause
   */
  readonly rateLimit?: RateLimitProps;

  /**
   * How fast one user may send over all their connections together. A connection may get ahead of it by a tenth of
   * `burst`.
   * @default - as `rateLimit`
   */
  readonly userRateLimit?: RateLimitProps;

  /**
   * What one user may leave in the inbox of another who reads nothing: what is more is refused with `not_accepted`, until the
   * recipient is back and has acknowledged what is there. Services are exempt, and so are rooms.
   * @default - 100 messages, and 1,048,576 bytes
   */
  readonly inbox?: InboxProps;

  /**
   * Whether this stack sets the role with which API Gateway writes logs. There is one for each account and region;
   * say false where another stack has set it.
   * @default true
   */
  readonly manageAccountLogRole?: boolean;

  /**
   * Whether the stack has the outputs `WebSocketUrl`, `SendFunctionName` and `ManageFunctionName`. The CDK puts the path of the
   * construct before each name and a hash behind it: `BeckonWebSocketUrl1A2B3C4D`. `beckon … --stack NAME` reads them.
   * @default true
   */
  readonly outputs?: boolean;
}

/**
 * How fast somebody may send. Frames are charged for what they cause: a short message to one user, and most other frames,
 * count as one, a message to ten users as ten. See `docs/protocol.md`, "The rate limit".
 */
export interface RateLimitProps {
  /** On average. */
  readonly messagesPerSecond: number;
  /** How many may come at once after a pause. */
  readonly burst: number;
}

/** What one user may leave in an inbox that nobody reads. */
export interface InboxProps {
  /** @default 100 */
  readonly maxMessages?: number;
  /**
   * What they may take, as the recipient gets them: bytes of their JSON in UTF-8. One message takes up to 34,000.
   * @default 1,048,576
   */
  readonly maxBytes?: number;
}

/** A domain name under which clients connect. */
export interface CustomDomain {
  /** Such as `ws.example.com`. */
  readonly domainName: string;
  /** A certificate for it, in the region of the stack. */
  readonly certificate: DomainCertificate;
  /**
   * The zone in Route 53 that the domain name is put into.
   * @default - you point the domain name to `Beckon.domain` yourself
   */
  readonly hostedZone?: DomainZone;
}

/** @throws Error for a mode that does not exist: it may come from the command line */
export function requireMode(mode: string): (typeof MODES)[number] {
  const known = MODES.find((each) => each === mode);
  if (!known) throw new Error(`mode: expected ${MODES.join(' or ')}, got ${JSON.stringify(mode)}`);
  return known;
}

/** @throws Error for a stack that is not bound to a region: CloudFormation wants a table's key for each region by name */
export function requireRegion(scope: Construct): void {
  const { region, stackName } = Stack.of(scope);
  if (!Token.isUnresolved(region)) return;
  throw new Error(
    `encryptionKey: a key belongs to a region, and the stack ${stackName} has none. Give it one: { env: { region: 'eu-west-1' } }.`,
  );
}

/** @throws Error for issuers that no token could be told apart by, and for keys that come from two places or in the clear */
export function requireIssuers(issuers: readonly Issuer[]): void {
  const names = issuers.map(({ issuer }) => issuer);
  for (const { issuer, jwksUrl, sharedSecret } of issuers) {
    if (names.indexOf(issuer) !== names.lastIndexOf(issuer)) throw new Error(`issuer: ${issuer} is there twice`);
    if (jwksUrl && sharedSecret) throw new Error(`issuer ${issuer}: give either jwksUrl or sharedSecret`);
    const keysAt = sharedSecret ? undefined : (jwksUrl ?? issuer);
    if (keysAt !== undefined && !Token.isUnresolved(keysAt) && !keysAt.startsWith('https://')) {
      throw new Error(`issuer ${issuer}: its keys are fetched from ${keysAt}, which does not start with https://`);
    }
  }
}

/** @throws Error for what no browser sends as an origin, because it would never match */
export function requireOrigins(origins: readonly string[]): void {
  const known = Token.isUnresolved(origins) ? [] : origins;
  const wrong = known.find((origin) => !Token.isUnresolved(origin) && !isOrigin(origin));
  if (wrong === undefined) return;
  throw new Error(`allowedOrigins: ${JSON.stringify(wrong)} is no origin. ${adviceFor(wrong)}`);
}

function adviceFor(wrong: string): string {
  const meant = canonicalOrigin(wrong);
  if (meant !== undefined) return `Write it as ${meant}, which is what browsers send.`;
  if (wrong.includes('*')) return 'Name each origin by itself, or give "*" alone, which allows every page.';
  return 'Write it as https://app.example.com, without a path.';
}

/** The capability in JSON. @throws Error for what is none: no token would be accepted */
export function requireCapability(capability: Capability | string): string {
  const text = typeof capability === 'string' ? capability : JSON.stringify(capability);
  if (Token.isUnresolved(text)) return text;
  const resources = Object.keys(capabilityOfClaim(text) ?? {});
  const nobodys = resources.find((resource) => !isUserId(resource.replace(/^\w+:/, '')));
  if (nobodys !== undefined) {
    throw new Error(`defaultCapability: no name is like that in ${JSON.stringify(nobodys)}. One is ${NAME_RULE}.`);
  }
  if (capabilityOfClaim(text)) return text;
  throw new Error(
    `defaultCapability: ${text} is no capability. Write it as { 'user:*': ['send'], 'room:team-*': ['join', 'send'] }; ` +
      `operations are ${OPERATIONS.join(', ')}.`,
  );
}

/** @throws Error for a limit that is none, or above what there can be */
export function requireSizeLimits(limits: Partial<SizeLimits>): string {
  for (const [name, value] of Object.entries(limits)) {
    const most = DEFAULT_SIZE_LIMITS[name as keyof SizeLimits];
    if (most === undefined)
      throw new Error(`limits.${name}: there is no such limit, but ${Object.keys(DEFAULT_SIZE_LIMITS).join(', ')}`);
    if (!(Number.isInteger(value) && value >= 1 && value <= most))
      throw new Error(`limits.${name}: expected a whole number from 1 to ${most}, got ${value}`);
  }
  return JSON.stringify(limits);
}

/** @throws Error for a limit that is none */
export function requireInboxLimit(inbox: InboxProps): string {
  for (const [name, value] of Object.entries(inbox)) {
    if (!Object.hasOwn(DEFAULT_INBOX_LIMIT, name))
      throw new Error(`inbox.${name}: there is no such limit, but ${Object.keys(DEFAULT_INBOX_LIMIT).join(', ')}`);
    if (!(Number.isInteger(value) && value >= 1))
      throw new Error(`inbox.${name}: expected a whole number above 0, got ${value}`);
  }
  return JSON.stringify(inbox);
}

/** @throws Error for a rate at which nothing could be sent */
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

/** @throws Error for what cannot be a number of connections */
export function requireConnections(expectedConnections: number): void {
  const isCount = Number.isInteger(expectedConnections) && expectedConnections > 0;
  if (isCount || Token.isUnresolved(expectedConnections)) return;
  throw new Error(`expectedConnections: ${expectedConnections} is no number of connections. Give one above 0.`);
}

/** What can be searched, if anything. @throws Error for a path that leads nowhere */
export function searchOptions(search: BeckonProps['search'] = false): SearchOptions | undefined {
  const options = search === true ? {} : search || undefined;
  const wrong = options?.fields?.find((field) => field.split('.').includes(''));
  if (wrong === undefined && options?.fields?.length !== 0) return options;
  throw new Error(
    `search.fields: expected paths such as "text" or "body.title", got ${JSON.stringify(wrong ?? options?.fields)}.`,
  );
}
