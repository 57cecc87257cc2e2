// First, so that it reports a missing package before any other import needs it.
import './peers.ts';
import { CfnOutput, Duration, RemovalPolicy, Stack, Tokenization } from 'aws-cdk-lib';
import type { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { type Alarm, Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type IFunction, RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ENV, METRIC_NAMESPACE, type MetricName, PAIR_INDEX } from '../server/config.ts';
import { AddressTable } from './address-table.ts';
import { Alarms } from './alarms.ts';
import { Authorizer } from './authorizer.ts';
import {
  type BeckonProps,
  DEFAULT_DELIVERY_POSTS_PER_SECOND,
  DEFAULT_RETENTION,
  deliveryPace,
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
import { FailedInvocations, TaskQueue, type WorkerOptions } from './task-queue.ts';

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

/** The memory with which Lambda gives a function one vCPU. */
const ONE_VCPU_MB = 1769;

/** The CDK's `MetricOptions`, with a `period` that another copy of the CDK may have made. */
export interface BeckonMetricOptions extends Omit<MetricOptions, 'period'> {
  /** @default Duration.minutes(5) */
  readonly period?: TimeSpan;
}

/**
 * Sends messages to specific connected users over WebSocket: an API Gateway WebSocket API, its handlers, and tables for
 * connections and messages.
 */
export class Beckon extends Construct {
  /** The URL that clients connect to: `wss://…/{stageName}`, or `wss://{domainName}` with a domain of your own. */
  readonly webSocketUrl: string;

  /** The endpoint of the Management API: `https://…/{stageName}`. It stays the same with a domain of your own. */
  readonly callbackUrl: string;

  /** The target that your domain name has to point to: its `regionalDomainName`. `undefined` without `domain`. */
  readonly domain: DomainName | undefined;

  /** Users' connections. Partition key `address`, sort key `connectionId`, TTL attribute `expiresAt`. */
  readonly connectionsTable: TableV2;

  /** Messages, by address. Partition key `address`, sort key `serial`, index `conversation`, TTL attribute `expiresAt`. */
  readonly messagesTable: TableV2;

  /** The tasks that `tasks` gave up on. Find the cause, then send them back to their queue. An alarm goes off for the first. */
  readonly deadLetterQueue: IQueue;

  /** The deliveries that `deliver` gave up on, as `deadLetterQueue` for `tasks`. An alarm goes off for the first. */
  readonly deadDeliveriesQueue: IQueue;

  /**
   * Lambda's records of the asynchronous invocations of `sendFunction` that failed in all three attempts, each with its
   * reason. An alarm goes off for the first.
   */
  readonly failedSendsQueue: IQueue;

  /**
   * The alarms in production: on tasks that failed for good, on failed asynchronous sends, on internal errors, on failing
   * posts, and for each function on failures and throttling. Add an action to each, such as an `SnsAction`. In development
   * the list is empty.
   */
  readonly alarms: readonly Alarm[];

  /**
   * Sends from a Lambda in any language, which invokes it with `{ to: { user }, data }`: see docs/send.md. After an
   * asynchronous invocation it sends the same message in each attempt. If all attempts fail, the event ends in
   * `failedSendsQueue`; an event with several messages does so if it has `failIfAnyFails`.
   */
  readonly sendFunction: IFunction;

  /**
   * Manages users. Invoke it with `{ disconnect | revoke | forget: { user } }` to disconnect a user, to revoke their tokens,
   * or to delete their data; with `{ block | unblock: { user, sender } }` or `{ blocked: { user } }` to change or read whom
   * they block.
   */
  readonly manageFunction: IFunction;

  readonly #gateway: Gateway;
  readonly #tasks: TaskQueue;
  readonly #deliveries: TaskQueue;
  readonly #authorizer: Authorizer;
  readonly #retention: TimeSpan;
  readonly #rateLimit: RateLimitProps;
  readonly #userRateLimit: RateLimitProps;
  readonly #sizeLimits: string | undefined;
  readonly #search: SearchOptions | undefined;
  readonly #hasConversations: boolean;
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
    this.#retention = props.retention ?? DEFAULT_RETENTION;
    this.#rateLimit = requireRateLimit('rateLimit', props.rateLimit ?? { messagesPerSecond: 100, burst: 500 });
    this.#userRateLimit = requireRateLimit('userRateLimit', props.userRateLimit ?? this.#rateLimit);
    this.#sizeLimits = props.limits && requireSizeLimits(props.limits);
    this.#search = searchOptions(props.search);
    this.#hasConversations = props.conversations ?? true;
    const table = { removalPolicy, encryptionKey, pointInTimeRecovery: isProduction };
    this.connectionsTable = new AddressTable(this, 'Connections', { ...table, sortKey: 'connectionId' });
    this.messagesTable = new AddressTable(this, 'Messages', { ...table, sortKey: 'serial', index: PAIR_INDEX });
    this.#tasks = new TaskQueue(this, 'Tasks', { deadLettersId: 'DeadLetters', encryptionKey });
    this.deadLetterQueue = this.#tasks.deadLetters;
    this.#deliveries = new TaskQueue(this, 'Deliveries', { deadLettersId: 'DeadDeliveries', encryptionKey });
    this.deadDeliveriesQueue = this.#deliveries.deadLetters;
    this.#authorizer = new Authorizer(this, props, logging);
    // It reads the user's revocations, and counts how often they connect.
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
    this.#addDeliverFunction(logging, props.deliveryPostsPerSecond);
    this.alarms = isProduction ? this.#addAlarms() : [];
    if (props.outputs ?? true) this.#addOutputs();
  }

  /**
   * Allows a function, or any other role, to send with `createSender()` from `beckon/server` and to invoke `sendFunction`.
   * It adds `sendEnvironment` to a function of your app. Give it to anything else that runs under the role yourself.
   */
  grantSend(grantee: Grantee): void {
    const { grantable, addEnvironment } = readGrantee(grantee);
    for (const [name, value] of Object.entries(this.sendEnvironment)) addEnvironment?.(name, value);
    this.#grantSending(grantable);
    this.#grant(grantable, this.sendFunction.functionArn, 'lambda:InvokeFunction');
  }

  /**
   * The environment variables that `createSender()` reads. `grantSend` cannot set them for an imported function or an ECS
   * container: add them there yourself.
   */
  get sendEnvironment(): Readonly<Record<string, string>> {
    return {
      [ENV.connectionsTable]: this.connectionsTable.tableName,
      [ENV.messagesTable]: this.messagesTable.tableName,
      [ENV.tasksQueueUrl]: this.#tasks.queueUrl,
      [ENV.deliveriesQueueUrl]: this.#deliveries.queueUrl,
      [ENV.callbackUrl]: this.callbackUrl,
      [ENV.retentionSeconds]: String(this.#retention.toSeconds()),
      [ENV.stackName]: Stack.of(this).stackName,
      ...(this.#search && { [ENV.search]: JSON.stringify(this.#search) }),
      ...(!this.#hasConversations && { [ENV.conversations]: 'false' }),
    };
  }

  /** Allows a function, or any other role, to invoke `manageFunction`. */
  grantManage(grantee: Grantee): void {
    this.#grant(readGrantee(grantee).grantable, this.manageFunction.functionArn, 'lambda:InvokeFunction');
  }

  /** Allows pages of one more origin to connect, such as a page that this app deploys with the construct's URL. */
  allowOrigin(origin: string): void {
    this.#authorizer.allowOrigin(origin);
  }

  /** Returns one of Beckon's metrics. All of them are counts. @default - the sum over five minutes */
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

  /** Imports the key, because a construct of the CDK may use more of a key than another copy's key has. */
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
      tasks: this.#tasks,
      deliveries: this.#deliveries,
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
    // A newer token may allow less. Then `register` unsubscribes the connection from the rooms that it may no longer join.
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

  /** Adds a route that answers frames. Its handler counts offences, and queues the task that closes a connection. */
  #addMessageRoute(route: string, handler: Handler): void {
    this.#grantTable(handler, this.connectionsTable, 'dynamodb:UpdateItem');
    this.#grantTasks(handler);
    if (this.#sizeLimits !== undefined) handler.addEnvironment(ENV.sizeLimits, this.#sizeLimits);
    this.#gateway.addMessageRoute(route, handler);
  }

  /** Adds a route that subscribes a connection to an address and delivers the messages that it missed there. */
  #addResumingRoute(id: string, logging: HandlerProps): Handler {
    const handler = this.#addGatedHandler(id, logging);
    this.#grantTable(handler, this.messagesTable, 'dynamodb:Query');
    this.#addMessageRoute(id, handler);
    return handler;
  }

  /** Adds the routes that read the log and the markers. */
  #addReadingRoutes(logging: HandlerProps): void {
    const history = this.#addGatedHandler('history', logging);
    this.#grantTable(history, this.connectionsTable, 'dynamodb:BatchGetItem');
    this.#grantReading(history);
    this.#addMessageRoute('history', history);

    this.#addMessageRoute('unread', this.#addListing('unread', logging));

    const conversations = this.#hasConversations
      ? this.#addListing('conversations', logging)
      : this.#addTableHandler('conversations', logging);
    this.#addMessageRoute('conversations', conversations);

    const mark = this.#addGatedHandler('mark', logging);
    // It checks that the message is from the user who gets the receipt.
    this.#grantTable(mark, this.messagesTable, 'dynamodb:GetItem');
    this.#grantPush(mark);
    this.#addMessageRoute('mark', mark);

    this.#addMessageRoute('search', this.#search ? this.#addSearch(logging) : this.#addTableHandler('search', logging));
  }

  /** Adds a function that reads markers and counts messages, and the list of conversations unless it is switched off. */
  #addListing(id: string, logging: HandlerProps): Handler {
    const handler = this.#addGatedHandler(id, logging);
    this.#grantTable(handler, this.connectionsTable, 'dynamodb:BatchGetItem');
    if (this.#hasConversations) this.#grantTable(handler, this.connectionsTable, 'dynamodb:Query');
    this.#grantReading(handler);
    return handler;
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
    // A sweep of presence queues the next one, for as long as somebody watches. Lambda would stop that after 16 sweeps.
    const props = { ...logging, recursiveLoop: RecursiveLoop.ALLOW };
    const tasks = this.#addTableHandler('tasks', props, this.#userRateEnvironment());
    this.#grantDelivery(tasks);
    this.#gateway.grantClose(tasks);
    // For presence: the presence state and the occupancy of rooms.
    this.#grantTable(tasks, this.connectionsTable, 'dynamodb:GetItem', 'dynamodb:BatchGetItem');
    if (this.#search) this.#grantTable(tasks, this.messagesTable, 'dynamodb:BatchWriteItem');
    this.#addWorker(this.#tasks, tasks, { batchSize: 10, maxConcurrency: 10 });
  }

  /** Adds `deliver`. Its chain of tasks is shorter than what Lambda takes for a loop: see `MAX_HOPS`. */
  #addDeliverFunction(logging: HandlerProps, postsPerSecond = DEFAULT_DELIVERY_POSTS_PER_SECOND): void {
    const { maxConcurrency, postsPerInvocation } = deliveryPace(postsPerSecond);
    const props = { ...logging, memorySizeMb: ONE_VCPU_MB };
    const deliver = this.#addTableHandler('deliver', props, {
      ...this.#userRateEnvironment(),
      [ENV.postsPerSecond]: String(postsPerInvocation),
    });
    this.#grantDelivery(deliver);
    // A message must not wait for the parts of another room: one task an invocation.
    this.#addWorker(this.#deliveries, deliver, { batchSize: 1, maxConcurrency });
  }

  /** Makes a function process a queue. These are the permissions for polling: the CDK's own grant adds some that nothing uses. */
  #addWorker(queue: TaskQueue, worker: Handler, options: WorkerOptions): void {
    this.#grant(worker, queue.queueArn, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
    this.#grantKey(worker, 'sqs', 'kms:Decrypt');
    queue.addWorker(worker, options);
  }

  #addTableHandler(id: string, logging: HandlerProps, environment: Record<string, string> = {}): Handler {
    return new Handler(this, id, { ...logging, environment: { ...this.sendEnvironment, ...environment } });
  }

  /** Adds a handler with a gate: it charges each frame to the rate limits. */
  #addGatedHandler(id: string, logging: HandlerProps): Handler {
    const handler = this.#addTableHandler(id, logging, {
      [ENV.ratePerSecond]: Tokenization.stringifyNumber(this.#rateLimit.messagesPerSecond),
      [ENV.rateBurst]: Tokenization.stringifyNumber(this.#rateLimit.burst),
      ...this.#userRateEnvironment(),
    });
    // It reads the capability of the newest token. Every route may already write.
    this.#grantTable(handler, this.connectionsTable, 'dynamodb:GetItem');
    return handler;
  }

  /** The variables for charging users. */
  #userRateEnvironment(): Record<string, string> {
    return {
      [ENV.userRatePerSecond]: Tokenization.stringifyNumber(this.#userRateLimit.messagesPerSecond),
      [ENV.userRateBurst]: Tokenization.stringifyNumber(this.#userRateLimit.burst),
    };
  }

  /** Grants sending: append to the log, look there for a retry, then deliver. */
  #grantSending(grantee: IGrantable): void {
    this.#grantTable(grantee, this.messagesTable, 'dynamodb:PutItem', 'dynamodb:Query');
    this.#grantDelivery(grantee);
  }

  /** Grants reading: of a room from its log, between two users from the index. */
  #grantReading(grantee: IGrantable): void {
    this.#grantTable(grantee, this.messagesTable, 'dynamodb:Query');
    this.#grant(grantee, `${this.messagesTable.tableArn}/index/${PAIR_INDEX}`, 'dynamodb:Query');
  }

  /** Grants delivery: find connections, post to them, remove those that are gone, cut off those that missed a message. */
  #grantDelivery(grantee: IGrantable): void {
    this.#grantPush(grantee);
    this.#grantTable(grantee, this.connectionsTable, 'dynamodb:UpdateItem');
    this.#grantTasks(grantee);
    this.#grant(grantee, this.#deliveries.queueArn, 'sqs:SendMessage');
  }

  /** Grants queueing tasks for `tasks`. */
  #grantTasks(grantee: IGrantable): void {
    this.#grant(grantee, this.#tasks.queueArn, 'sqs:SendMessage');
    this.#grantKey(grantee, 'sqs', 'kms:Decrypt', 'kms:GenerateDataKey');
  }

  /** Grants a single push: find connections, post to them once, remove those that are gone. */
  #grantPush(grantee: IGrantable): void {
    this.#grantTable(grantee, this.connectionsTable, 'dynamodb:Query', 'dynamodb:DeleteItem');
    this.#gateway.grantPost(grantee);
  }

  #grantTable(grantee: IGrantable, table: TableV2, ...actions: string[]): void {
    this.#grant(grantee, table.tableArn, ...actions);
    this.#grantKey(grantee, 'dynamodb', 'kms:Decrypt');
  }

  /**
   * Allows a service, but not `grantee` itself, to use the key for `grantee`. DynamoDB decrypts the table's key for reads
   * and for writes. SQS generates a data key when it sends, and decrypts it in all cases.
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
