import { type Duration, type RemovalPolicy, Token } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

export interface BeckonProps {
  /** The `iss` that tokens must carry, such as `https://login.example.com/`. */
  readonly issuer: string;

  /** The `aud` that tokens must carry. */
  readonly audience: string;

  /**
   * Where the issuer publishes its keys.
   * @default - `{issuer}/.well-known/jwks.json`, which is right for Cognito and Auth0
   */
  readonly jwksUrl?: string;

  /**
   * A secret, of at least 32 bytes, that the issuer signs with (HS256, HS384 or HS512) instead of published keys.
   * @default - tokens are signed with the keys at `jwksUrl`
   */
  readonly sharedSecret?: Pick<ISecret, 'secretArn' | 'grantRead'>;

  /**
   * Origins of the pages that may connect, such as `https://app.example.com`; `*` allows every page.
   * Clients that send no `Origin` header are not pages, and are always allowed.
   * @default - no page may connect
   */
  readonly allowedOrigins?: string[];

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
   * How long messages are kept for devices that are not connected.
   * @default Duration.days(7)
   */
  readonly retention?: Duration;

  /**
   * How long logs are kept.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * What becomes of tables and logs when the stack is deleted.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Whether this stack sets the role with which API Gateway writes logs. There is one for each account and region;
   * say false where another stack has set it.
   * @default true
   */
  readonly manageAccountLogRole?: boolean;
}

/** @throws Error for what no browser sends as an origin, because it would never match */
export function requireOrigins(origins: readonly string[]): void {
  const known = Token.isUnresolved(origins) ? [] : origins;
  const wrong = known.find((origin) => !Token.isUnresolved(origin) && origin !== '*' && !isOrigin(origin));
  if (wrong === undefined) return;
  throw new Error(
    `allowedOrigins: ${JSON.stringify(wrong)} is no origin. Write it as https://app.example.com, without a path.`,
  );
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
