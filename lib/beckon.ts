import { Duration, Fn, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, Billing, TableEncryptionV2, type TablePropsV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ENV, METRIC_NAMESPACE, type MetricName } from '../server/config.ts';
import { Gateway } from './gateway.ts';
import { HANDLER_TIMEOUT, Handler, type HandlerProps } from './handler.ts';

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

  /** Messages, by address. Partition key `address`, sort key `serial`, TTL attribute `expiresAt`. */
  readonly messagesTable: TableV2;

  /** Tasks that `work` could not do: to be looked at, then sent back to their queue. An alarm goes off when there is one. */
  readonly deadLetterQueue: IQueue;

  /** Invoke it with `{ to: { user }, data }` to send from a Lambda in any language. */
  readonly sendFunction: IFunction;

  readonly #gateway: Gateway;
  readonly #tasks: Queue;
  readonly #retention: Duration;

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
    this.#retention = props.retention ?? Duration.days(7);
    this.connectionsTable = this.#addTable('Connections', 'connectionId', removalPolicy);
    this.messagesTable = this.#addTable('Messages', 'serial', removalPolicy, {
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    });
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.deadLetterQueue
      .metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) })
      .createAlarm(this, 'DeadLettersAlarm', {
        alarmDescription:
          'Tasks of Beckon could not be done. Look at the log of "work", then send them back to their queue.',
        threshold: 1,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
    this.#tasks = new Queue(this, 'Tasks', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // AWS's advice: six times the function's timeout.
      visibilityTimeout: Duration.seconds(HANDLER_TIMEOUT.toSeconds() * 6),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: 5 },
    });
    this.#addConnectionRoutes(logging, props);
    this.#addMessageRoutes(logging);
    this.sendFunction = this.#addSendFunction(logging);
    this.#addWorkFunction(logging);
  }

  /**
   * Lets a function send with `createSender()` from `beckon/server`, and tells it by its environment where to.
   * It may also invoke `sendFunction`.
   */
  grantSend(grantee: LambdaFunction): void {
    for (const [name, value] of Object.entries(this.#sendEnvironment())) grantee.addEnvironment(name, value);
    this.#grantSending(grantee);
    this.#grant(grantee, this.sendFunction.functionArn, 'lambda:InvokeFunction');
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
    this.#grantTable(disconnect, this.connectionsTable, 'dynamodb:DeleteItem');
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
    this.#grantTable(register, this.connectionsTable, 'dynamodb:UpdateItem', 'dynamodb:GetItem');
    this.#grantTable(register, this.messagesTable, 'dynamodb:Query');
    this.#gateway.addMessageRoute('register', register);

    const sendMessage = this.#addTableHandler('sendMessage', logging);
    this.#grantSending(sendMessage);
    this.#gateway.addMessageRoute('sendMessage', sendMessage);

    const ping = this.#addTableHandler('ping', logging);
    this.#grantTable(ping, this.connectionsTable, 'dynamodb:UpdateItem');
    this.#grantTable(ping, this.messagesTable, 'dynamodb:Query');
    this.#gateway.addMessageRoute('ping', ping);

    this.#gateway.addMessageRoute('$default', new Handler(this, 'default', logging));
  }

  #addSendFunction(logging: HandlerProps): Handler {
    const send = this.#addTableHandler('send', logging);
    this.#grantSending(send);
    return send;
  }

  #addWorkFunction(logging: HandlerProps): void {
    const work = this.#addTableHandler('work', logging);
    this.#grantDelivery(work);
    this.#gateway.grantClose(work);
    // What polling takes; the CDK's own grant adds permissions that nothing uses.
    this.#grant(work, this.#tasks.queueArn, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
    work.addEventSourceMapping('Tasks', {
      eventSourceArn: this.#tasks.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: 10,
    });
  }

  #addTable(id: string, sortKey: string, removalPolicy: RemovalPolicy, more: Partial<TablePropsV2> = {}): TableV2 {
    return new TableV2(this, id, {
      partitionKey: { name: 'address', type: AttributeType.STRING },
      sortKey: { name: sortKey, type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.dynamoOwnedKey(),
      removalPolicy,
      ...more,
    });
  }

  #addTableHandler(id: string, logging: HandlerProps, environment: Record<string, string> = {}): Handler {
    return new Handler(this, id, { ...logging, environment: { ...this.#sendEnvironment(), ...environment } });
  }

  /** Where everything is that sending takes. */
  #sendEnvironment(): Record<string, string> {
    return {
      [ENV.connectionsTable]: this.connectionsTable.tableName,
      [ENV.messagesTable]: this.messagesTable.tableName,
      [ENV.tasksQueueUrl]: this.#tasks.queueUrl,
      [ENV.retentionSeconds]: String(this.#retention.toSeconds()),
    };
  }

  /** What sending takes: appending to the log and, for a retry, looking there; then delivering. */
  #grantSending(grantee: IGrantable): void {
    this.#grantTable(grantee, this.messagesTable, 'dynamodb:PutItem', 'dynamodb:Query');
    this.#grantDelivery(grantee);
  }

  /** Finding connections, posting to them, forgetting those that are gone, cutting off those that missed a message. */
  #grantDelivery(grantee: IGrantable): void {
    this.#grantTable(grantee, this.connectionsTable, 'dynamodb:Query', 'dynamodb:DeleteItem', 'dynamodb:UpdateItem');
    this.#gateway.grantPost(grantee);
    this.#grant(grantee, this.#tasks.queueArn, 'sqs:SendMessage');
  }

  #grantTable(grantee: IGrantable, table: TableV2, ...actions: string[]): void {
    this.#grant(grantee, table.tableArn, ...actions);
  }

  #grant(grantee: IGrantable, resource: string, ...actions: string[]): void {
    grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [resource] }));
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
