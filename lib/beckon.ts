// First: it says what is missing before anything else needs it.
import './peers.ts';
import { CfnOutput, Duration, RemovalPolicy, Stack, Tokenization } from 'aws-cdk-lib';
import type { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { type Alarm, Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ENV, METRIC_NAMESPACE, type MetricName, PAIR_INDEX } from '../server/config.ts';
import { AddressTable } from './address-table.ts';
import { Alarms } from './alarms.ts';
import { Authorizer } from './authorizer.ts';
import {
  type BeckonProps,
  type EncryptionKey,
  type RateLimitProps,
  requireConnections,
  requireInboxLimit,
  requireMode,
  requireRateLimit,
  requireRegion,
  requireSizeLimits,
  type SearchOptions,
  searchOptions,
  type TimeSpan,
} from './beckon-props.ts';
import { Gateway } from './gateway.ts';
import { type Grantee, readGrantee } from './grantee.ts';
import { Handler, type HandlerProps } from './handler.ts';
import { allowLogs } from './log.ts';
import { requireOneCopy } from './peers.ts';
import { FailedInvocations, TaskQueue } from './task-queue.ts';

export type {
  BeckonProps,
  CustomDomain,
  DomainCertificate,
  DomainZone,
  EncryptionKey,
  InboxProps,
  Issuer,
  RateLimitProps,
  SearchOptions,
  SharedSecret,
  TimeSpan,
} from './beckon-props.ts';
export type { Grantee } from './grantee.ts';

/** The CDK's `MetricOptions`, with a `period` that may be of another copy of the CDK. */
export interface BeckonMetricOptions extends Omit<MetricOptions, 'period'> {
  /** @default Duration.minutes(5) */
  readonly period?: TimeSpan;
}

/**
 * Sends a message to a specific connected user over WebSocket: an API Gateway WebSocket API, its handlers, and the
 * table that maps users to connections.
 */
export class Beckon extends Construct {
  /** What clients connect to: `wss://…/{stageName}`, or with a domain of your own `wss://{domainName}`. */
  readonly webSocketUrl: string;

  /** The endpoint of the Management API: `https://…/{stageName}`, always at the API's own address. */
  readonly callbackUrl: string;

  /** Where a domain name of your own has to point to: its `regionalDomainName`. `undefined` without `domain`. */
  readonly domain: DomainName | undefined;

  /** Users' connections. Partition key `address`, sort key `connectionId`, TTL attribute `expiresAt`. */
  readonly connectionsTable: TableV2;

  /** Messages, by address. Partition key `address`, sort key `serial`, index `conversation`, TTL attribute `expiresAt`. */
  readonly messagesTable: TableV2;

  /** Tasks that failed in every attempt: look at them, then send them back to their queue. An alarm goes off when there is one. */
  readonly deadLetterQueue: IQueue;

  /**
   * What `sendFunction` was invoked with asynchronously and could not send in three attempts: Lambda's records, with the
   * reason. An alarm goes off when there is one.
   */
  readonly failedSendsQueue: IQueue;

  /**
   * In production: tasks that cannot be done, messages that an asynchronous invocation could not send, internal errors,
   * failing posts, and for each function that it crashes or is throttled. Add an action to each, such as an `SnsAction`. In
   * development there are none.
   */
  readonly alarms: readonly Alarm[];

  /**
   * Invoke it with `{ to: { user }, data }` to send from a Lambda in any language: see docs/send.md. Invoked asynchronously, it
   * sends the same message in each attempt; what cannot be sent ends in `failedSendsQueue`. Of several messages it does so
   * with `failIfAnyFails`.
   */
  readonly sendFunction: IFunction;

  /**
   * Invoke it with `{ disconnect | revoke | forget: { user } }` to disconnect a user, to revoke their tokens, or to forget them;
   * with `{ block | unblock: { user, sender } }` or `{ blocked: { user } }` for whose messages they do not accept.
   */
  readonly manageFunction: IFunction;

  readonly #gateway: Gateway;
  readonly #tasks: TaskQueue;
  readonly #authorizer: Authorizer;
  readonly #retention: TimeSpan;
  readonly #rateLimit: RateLimitProps;
  readonly #userRateLimit: RateLimitProps;
  readonly #sizeLimits: string | undefined;
  readonly #search: SearchOptions | undefined;
  readonly #encryptionKey: IKey | undefined;

  constructor(scope: Construct, id: string, props: BeckonProps) {
    requireOneCopy(scope, Construct);
    super(scope, id);
    const isProduction = requireMode(props.mode ?? 'production') === 'production';
    const {
      logRetention = RetentionDays.ONE_MONTH,
      removalPolicy = isProduction ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    } = props;
    const encryptionKey = props.encryptionKey && this.#importKey(props.encryptionKey);
    const logging = { logRetention, removalPolicy, encryptionKey };
    this.#encryptionKey = encryptionKey;
    this.#gateway = new Gateway(this, 'Gateway', {
      ...logging,
      stageName: props.stageName ?? 'prod',
      throttleRateLimit: props.throttleRateLimit ?? 2000,
      throttleBurstLimit: props.throttleBurstLimit ?? 1000,
      domain: props.domain,
      manageAccountLogRole: props.manageAccountLogRole ?? true,
    });
    this.webSocketUrl = this.#gateway.webSocketUrl;
    this.callbackUrl = this.#gateway.callbackUrl;
    this.domain = this.#gateway.domain;
    this.#retention = props.retention ?? Duration.days(7);
    this.#rateLimit = requireRateLimit('rateLimit', props.rateLimit ?? { messagesPerSecond: 100, burst: 500 });
    this.#userRateLimit = requireRateLimit('userRateLimit', props.userRateLimit ?? this.#rateLimit);
    this.#sizeLimits = props.limits && requireSizeLimits(props.limits);
    this.#search = searchOptions(props.search);
    const table = { removalPolicy, encryptionKey, pointInTimeRecovery: isProduction };
    this.connectionsTable = new AddressTable(this, 'Connections', { ...table, sortKey: 'connectionId' });
    this.messagesTable = new AddressTable(this, 'Messages', { ...table, sortKey: 'serial', index: PAIR_INDEX });
    this.#tasks = new TaskQueue(this, 'Tasks', encryptionKey);
    this.deadLetterQueue = this.#tasks.deadLetters;
    this.#authorizer = new Authorizer(this, props, logging);
    // Whether the user's tokens have been revoked, and how often they connect.
    this.#authorizer.addEnvironment(ENV.connectionsTable, this.connectionsTable.tableName);
    this.#grantTable(this.#authorizer, this.connectionsTable, 'dynamodb:GetItem', 'dynamodb:UpdateItem');
    this.#addConnectionRoutes(logging);
    this.#addMessageRoutes(logging, props);
    this.#addReadingRoutes(logging);
    const failedSends = new FailedInvocations(this, 'FailedSends', encryptionKey);
    this.failedSendsQueue = failedSends;
    this.sendFunction = this.#addSendFunction(logging, failedSends);
    this.manageFunction = this.#addManageFunction(logging);
    this.#addTasksFunction(logging);
    this.alarms = isProduction ? this.#addAlarms() : [];
    if (props.outputs ?? true) this.#addOutputs();
  }

  /**
   * Lets a function, or any other role, send with `createSender()` from `beckon/server`, and invoke `sendFunction`. A function of
   * your app gets `sendEnvironment` by this; whatever else runs under the role has to be given it.
   */
  grantSend(grantee: Grantee): void {
    const { grantable, addEnvironment } = readGrantee(grantee);
    for (const [name, value] of Object.entries(this.sendEnvironment)) addEnvironment?.(name, value);
    this.#grantSending(grantable);
    this.#grant(grantable, this.sendFunction.functionArn, 'lambda:InvokeFunction');
  }

  /**
   * The environment variables that `createSender()` reads, for what `grantSend` cannot give them to: an imported function, a
   * container of ECS.
   */
  get sendEnvironment(): Readonly<Record<string, string>> {
    return {
      [ENV.connectionsTable]: this.connectionsTable.tableName,
      [ENV.messagesTable]: this.messagesTable.tableName,
      [ENV.tasksQueueUrl]: this.#tasks.queueUrl,
      [ENV.callbackUrl]: this.callbackUrl,
      [ENV.retentionSeconds]: String(this.#retention.toSeconds()),
      [ENV.stackName]: Stack.of(this).stackName,
      ...(this.#search && { [ENV.search]: JSON.stringify(this.#search) }),
    };
  }

  /** Lets a function, or any other role, do what `manageFunction` does, by invoking it. */
  grantManage(grantee: Grantee): void {
    this.#grant(readGrantee(grantee).grantable, this.manageFunction.functionArn, 'lambda:InvokeFunction');
  }

  /** Lets pages of one more origin connect, for pages that are put up with the URL of this. */
  allowOrigin(origin: string): void {
    this.#authorizer.allowOrigin(origin);
  }

  /** One of Beckon's metrics, all of them counts. @default - the sum over five minutes */
  metric(metricName: MetricName, { period, ...options }: BeckonMetricOptions = {}): Metric {
    return new Metric({
      namespace: METRIC_NAMESPACE,
      metricName,
      dimensionsMap: { Stack: Stack.of(this).stackName },
      statistic: Stats.SUM,
      ...(period && { period: Duration.seconds(period.toSeconds()) }),
      ...options,
    });
  }

  /** Imports the key: the CDK asks more of a key of its own than another copy's key has. */
  #importKey(key: EncryptionKey): IKey {
    requireRegion(this);
    allowLogs(this, key);
    return Key.fromKeyArn(this, 'EncryptionKey', key.keyArn);
  }

  #addOutputs(): void {
    const outputs = {
      WebSocketUrl: [this.webSocketUrl, 'What clients connect to'],
      SendFunctionName: [this.sendFunction.functionName, 'The function that sends messages'],
      ManageFunctionName: [this.manageFunction.functionName, 'The function that manages users'],
    } as const;
    for (const [name, [value, description]] of Object.entries(outputs))
      new CfnOutput(this, name, { value, description });
  }

  #addAlarms(): readonly Alarm[] {
    const handlers = this.node.children.filter((child) => child instanceof Handler);
    const { all } = new Alarms(this, 'Alarms', {
      handlers,
      deadLetters: this.deadLetterQueue,
      failedSends: this.failedSendsQueue,
      metric: (name) => this.metric(name),
    });
    return all;
  }

  #addConnectionRoutes(logging: HandlerProps): void {
    const connect = new Handler(this, 'connect', logging);
    this.#gateway.addConnectRoute(connect, this.#authorizer);

    const disconnect = this.#addTableHandler('disconnect', logging);
    this.#grantTable(disconnect, this.connectionsTable, 'dynamodb:DeleteItem');
    this.#grantTasks(disconnect);
    this.#gateway.addDisconnectRoute(disconnect);
  }

  #addMessageRoutes(logging: HandlerProps, { expectedConnections, inbox }: BeckonProps): void {
    const register = this.#addResumingRoute('register', logging);
    this.#authorizer.grantVerification(register);
    // A newer token may allow less: then the connection is taken out of what it has lost.
    this.#grantTable(register, this.connectionsTable, 'dynamodb:DeleteItem');
    if (expectedConnections !== undefined) {
      requireConnections(expectedConnections);
      register.addEnvironment(ENV.expectedConnections, Tokenization.stringifyNumber(expectedConnections));
    }
    this.#addResumingRoute('join', logging);

    const leave = this.#addGatedHandler('leave', logging);
    this.#grantTable(leave, this.connectionsTable, 'dynamodb:DeleteItem');
    this.#addMessageRoute('leave', leave);

    const sendMessage = this.#addGatedHandler('sendMessage', logging);
    if (inbox !== undefined) sendMessage.addEnvironment(ENV.inboxLimit, requireInboxLimit(inbox));
    this.#grantSending(sendMessage);
    this.#addMessageRoute('sendMessage', sendMessage);

    const block = this.#addGatedHandler('block', logging);
    this.#grantTable(block, this.connectionsTable, 'dynamodb:Query', 'dynamodb:DeleteItem');
    this.#addMessageRoute('block', block);

    const ping = this.#addGatedHandler('ping', logging);
    this.#grantTable(ping, this.messagesTable, 'dynamodb:Query');
    this.#addMessageRoute('ping', ping);

    const presence = this.#addGatedHandler('presence', logging);
    this.#grantTable(presence, this.connectionsTable, 'dynamodb:Query', 'dynamodb:BatchGetItem', 'dynamodb:DeleteItem');
    this.#addMessageRoute('presence', presence);

    this.#addMessageRoute('$default', this.#addTableHandler('default', logging));
  }

  /** Adds a route that answers frames. Its handler counts those that it refuses, and queues the task that closes a connection. */
  #addMessageRoute(route: string, handler: Handler): void {
    this.#grantTable(handler, this.connectionsTable, 'dynamodb:UpdateItem');
    this.#grantTasks(handler);
    if (this.#sizeLimits !== undefined) handler.addEnvironment(ENV.sizeLimits, this.#sizeLimits);
    this.#gateway.addMessageRoute(route, handler);
  }

  /** A route that subscribes a connection to an address, and gives it what it has missed there. */
  #addResumingRoute(id: string, logging: HandlerProps): Handler {
    const handler = this.#addGatedHandler(id, logging);
    this.#grantTable(handler, this.messagesTable, 'dynamodb:Query');
    this.#addMessageRoute(id, handler);
    return handler;
  }

  /** Routes that tell what was said, and how far somebody has read. */
  #addReadingRoutes(logging: HandlerProps): void {
    const history = this.#addGatedHandler('history', logging);
    this.#grantTable(history, this.connectionsTable, 'dynamodb:BatchGetItem');
    this.#grantReading(history);
    this.#addMessageRoute('history', history);

    const unread = this.#addGatedHandler('unread', logging);
    this.#grantTable(unread, this.connectionsTable, 'dynamodb:BatchGetItem');
    this.#grantReading(unread);
    this.#addMessageRoute('unread', unread);

    const mark = this.#addGatedHandler('mark', logging);
    // Whether the message is from the user who is to be told.
    this.#grantTable(mark, this.messagesTable, 'dynamodb:GetItem');
    this.#grantPush(mark);
    this.#addMessageRoute('mark', mark);

    this.#addMessageRoute('search', this.#search ? this.#addSearch(logging) : this.#addTableHandler('search', logging));
  }

  #addSearch(logging: HandlerProps): Handler {
    const search = this.#addGatedHandler('search', logging);
    this.#grantTable(search, this.messagesTable, 'dynamodb:BatchGetItem');
    this.#grantReading(search);
    return search;
  }

  #addSendFunction(logging: HandlerProps, failed: FailedInvocations): Handler {
    const send = this.#addTableHandler('send', logging);
    this.#grantSending(send);
    this.#grant(send, failed.queueArn, 'sqs:SendMessage');
    send.configureAsyncInvoke({ onFailure: failed });
    return send;
  }

  #addManageFunction(logging: HandlerProps): Handler {
    const manage = this.#addTableHandler('manage', logging);
    this.#grantTable(
      manage,
      this.connectionsTable,
      'dynamodb:Query',
      'dynamodb:GetItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
      'dynamodb:BatchWriteItem',
    );
    this.#grantTable(manage, this.messagesTable, 'dynamodb:Query', 'dynamodb:BatchWriteItem');
    this.#gateway.grantPost(manage);
    this.#gateway.grantClose(manage);
    return manage;
  }

  #addTasksFunction(logging: HandlerProps): void {
    const tasks = this.#addTableHandler('tasks', logging, this.#userRateEnvironment());
    this.#grantDelivery(tasks);
    this.#gateway.grantClose(tasks);
    // Presence: what has been announced, and who is in a room.
    this.#grantTable(tasks, this.connectionsTable, 'dynamodb:GetItem', 'dynamodb:BatchGetItem');
    if (this.#search) this.#grantTable(tasks, this.messagesTable, 'dynamodb:BatchWriteItem');
    // What polling takes; the CDK's own grant adds permissions that nothing uses.
    this.#grant(tasks, this.#tasks.queueArn, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
    this.#grantKey(tasks, 'sqs', 'kms:Decrypt');
    this.#tasks.addWorker(tasks);
  }

  #addTableHandler(id: string, logging: HandlerProps, environment: Record<string, string> = {}): Handler {
    return new Handler(this, id, { ...logging, environment: { ...this.sendEnvironment, ...environment } });
  }

  /** A handler that admits each frame: it charges the rate limits. */
  #addGatedHandler(id: string, logging: HandlerProps): Handler {
    const handler = this.#addTableHandler(id, logging, {
      [ENV.ratePerSecond]: Tokenization.stringifyNumber(this.#rateLimit.messagesPerSecond),
      [ENV.rateBurst]: Tokenization.stringifyNumber(this.#rateLimit.burst),
      ...this.#userRateEnvironment(),
    });
    // It reads the capability that a newer token has brought. Every route may write.
    this.#grantTable(handler, this.connectionsTable, 'dynamodb:GetItem');
    return handler;
  }

  /** What charging users takes. */
  #userRateEnvironment(): Record<string, string> {
    return {
      [ENV.userRatePerSecond]: Tokenization.stringifyNumber(this.#userRateLimit.messagesPerSecond),
      [ENV.userRateBurst]: Tokenization.stringifyNumber(this.#userRateLimit.burst),
    };
  }

  /** What sending takes: appending to the log and, for a retry, looking there; then delivering. */
  #grantSending(grantee: IGrantable): void {
    this.#grantTable(grantee, this.messagesTable, 'dynamodb:PutItem', 'dynamodb:Query');
    this.#grantDelivery(grantee);
  }

  /** Reading what was said: in a room from its log, between two users from the index. */
  #grantReading(grantee: IGrantable): void {
    this.#grantTable(grantee, this.messagesTable, 'dynamodb:Query');
    this.#grant(grantee, `${this.messagesTable.tableArn}/index/${PAIR_INDEX}`, 'dynamodb:Query');
  }

  /** Finding connections, posting to them, forgetting those that are gone, cutting off those that missed a message. */
  #grantDelivery(grantee: IGrantable): void {
    this.#grantPush(grantee);
    this.#grantTable(grantee, this.connectionsTable, 'dynamodb:UpdateItem');
    this.#grantTasks(grantee);
  }

  /** Queueing a task for `tasks`. */
  #grantTasks(grantee: IGrantable): void {
    this.#grant(grantee, this.#tasks.queueArn, 'sqs:SendMessage');
    this.#grantKey(grantee, 'sqs', 'kms:Decrypt', 'kms:GenerateDataKey');
  }

  /** Finding connections, posting to them once, forgetting those that are gone. */
  #grantPush(grantee: IGrantable): void {
    this.#grantTable(grantee, this.connectionsTable, 'dynamodb:Query', 'dynamodb:DeleteItem');
    this.#gateway.grantPost(grantee);
  }

  #grantTable(grantee: IGrantable, table: TableV2, ...actions: string[]): void {
    this.#grant(grantee, table.tableArn, ...actions);
    this.#grantKey(grantee, 'dynamodb', 'kms:Decrypt');
  }

  /**
   * Lets a service use the key for `grantee`, and `grantee` itself not. For reading and for writing DynamoDB decrypts the
   * table's key; SQS makes a key for data when it sends, and decrypts it in any case.
   * @see https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
   */
  #grantKey(grantee: IGrantable, service: 'dynamodb' | 'sqs', ...actions: string[]): void {
    if (!this.#encryptionKey) return;
    const { region, urlSuffix } = Stack.of(this);
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions,
        resources: [this.#encryptionKey.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.${urlSuffix}` } },
      }),
    );
  }

  #grant(grantee: IGrantable, resource: string, ...actions: string[]): void {
    grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [resource] }));
  }
}
