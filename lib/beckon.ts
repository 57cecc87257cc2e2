import { Fn, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { ENV, METRIC_NAMESPACE, type MetricName } from '../server/config.ts';
import { Gateway } from './gateway.ts';
import { Handler, type HandlerProps } from './handler.ts';

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

/**
 * Sends a message to a specific connected user over WebSocket: an API Gateway WebSocket API, its handlers, and the
 * table that maps users to connections.
 */
export class Beckon extends Construct {
  /** What clients connect to: `wss://…/{stageName}`. */
  readonly webSocketUrl: string;

  /** The endpoint of the Management API: `https://…/{stageName}`. */
  readonly callbackUrl: string;

  /** Users' connections. Partition key `address`, sort key `connectionId`, TTL attribute `expiresAt`. */
  readonly connectionsTable: TableV2;

  /** Invoke it with `{ to: { user }, data }` to send from a Lambda in any language. */
  readonly sendFunction: IFunction;

  readonly #gateway: Gateway;

  constructor(scope: Construct, id: string, props: BeckonProps) {
    super(scope, id);
    requireOrigins(props.allowedOrigins ?? []);
    const { logRetention = RetentionDays.ONE_MONTH, removalPolicy = RemovalPolicy.RETAIN } = props;
    const logging = { logRetention, removalPolicy };
    this.#gateway = new Gateway(this, 'Gateway', {
      ...logging,
      stageName: props.stageName ?? 'prod',
      throttleRateLimit: props.throttleRateLimit ?? 2000,
      throttleBurstLimit: props.throttleBurstLimit ?? 1000,
      manageAccountLogRole: props.manageAccountLogRole ?? true,
    });
    this.webSocketUrl = this.#gateway.webSocketUrl;
    this.callbackUrl = this.#gateway.callbackUrl;
    this.connectionsTable = new TableV2(this, 'Connections', {
      partitionKey: { name: 'address', type: AttributeType.STRING },
      sortKey: { name: 'connectionId', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.dynamoOwnedKey(),
      removalPolicy,
    });
    this.#addConnectionRoutes(logging, props);
    this.#addMessageRoutes(logging);
    this.sendFunction = this.#addSendFunction(logging);
  }

  /**
   * Lets a function send with `createSender()` from `beckon/server`, and tells it by its environment where to.
   * It may also invoke `sendFunction`.
   */
  grantSend(grantee: LambdaFunction): void {
    grantee.addEnvironment(ENV.connectionsTable, this.connectionsTable.tableName);
    this.#grantDelivery(grantee);
    this.sendFunction.grantInvoke(grantee);
  }

  /** One of Beckon's metrics, all of them counts. @default - the sum over five minutes */
  metric(metricName: MetricName, options?: MetricOptions): Metric {
    const dimensionsMap = { Stack: Stack.of(this).stackName };
    return new Metric({ namespace: METRIC_NAMESPACE, metricName, dimensionsMap, statistic: Stats.SUM, ...options });
  }

  #addConnectionRoutes(logging: HandlerProps, props: BeckonProps): void {
    const connect = new Handler(this, 'connect', logging);
    this.#gateway.addConnectRoute(connect, this.#addAuthorizer(logging, props));

    const disconnect = this.#addTableHandler('disconnect', logging);
    this.#grantTable(disconnect, 'dynamodb:DeleteItem');
    this.#gateway.addDisconnectRoute(disconnect);
  }

  #addAuthorizer(logging: HandlerProps, { issuer, audience, allowedOrigins = [], ...keys }: BeckonProps): Handler {
    const authorize = new Handler(this, 'authorize', {
      ...logging,
      environment: {
        [ENV.issuer]: issuer,
        [ENV.audience]: audience,
        [ENV.allowedOrigins]: allowedOrigins.length === 0 ? '' : Fn.join(',', allowedOrigins),
        ...(keys.jwksUrl && { [ENV.jwksUrl]: keys.jwksUrl }),
        ...(keys.sharedSecret && { [ENV.secretArn]: keys.sharedSecret.secretArn }),
      },
    });
    keys.sharedSecret?.grantRead(authorize);
    return authorize;
  }

  #addMessageRoutes(logging: HandlerProps): void {
    const register = this.#addTableHandler('register', logging, { [ENV.callbackUrl]: this.callbackUrl });
    this.#grantTable(register, 'dynamodb:PutItem');
    this.#gateway.addMessageRoute('register', register);

    const sendMessage = this.#addTableHandler('sendMessage', logging);
    this.#grantTable(sendMessage, 'dynamodb:UpdateItem');
    this.#grantDelivery(sendMessage);
    this.#gateway.addMessageRoute('sendMessage', sendMessage);

    const ping = this.#addTableHandler('ping', logging);
    this.#grantTable(ping, 'dynamodb:UpdateItem');
    this.#gateway.addMessageRoute('ping', ping);

    this.#gateway.addMessageRoute('$default', new Handler(this, 'default', logging));
  }

  #addSendFunction(logging: HandlerProps): Handler {
    const send = this.#addTableHandler('send', logging);
    this.#grantDelivery(send);
    return send;
  }

  #addTableHandler(id: string, logging: HandlerProps, environment: Record<string, string> = {}): Handler {
    const connectionsTable = { [ENV.connectionsTable]: this.connectionsTable.tableName };
    return new Handler(this, id, { ...logging, environment: { ...environment, ...connectionsTable } });
  }

  /** What sending takes: finding connections, posting to them, forgetting those that are gone. */
  #grantDelivery(grantee: IGrantable): void {
    this.#grantTable(grantee, 'dynamodb:Query', 'dynamodb:DeleteItem');
    this.#gateway.grantPost(grantee);
  }

  #grantTable(grantee: IGrantable, ...actions: string[]): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions, resources: [this.connectionsTable.tableArn] }),
    );
  }
}

/** @throws Error for what no browser sends as an origin, because it would never match */
function requireOrigins(origins: readonly string[]): void {
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
