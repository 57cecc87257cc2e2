import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Problem } from '../../protocol/index.ts';
import type { Now } from '../clock.ts';
import {
  type ClientSettings,
  type DirectoryConfig,
  hasConversations,
  type LogConfig,
  readCallbackUrl,
  readDirectoryConfig,
  readInboxLimit,
  readLogConfig,
  readRateLimit,
  readSearchConfig,
  readSendConfig,
  readSizeLimits,
  readUserRateLimit,
  type SendConfig,
} from '../config.ts';
import type { AddressStates } from '../connections/address-state.ts';
import type { Directory } from '../connections/directory.ts';
import type { Resume } from '../connections/resume.ts';
import type { RouteDependencies } from '../edge/route.ts';
import { type Admit, createGate, type Enter, enterAdmitted } from '../gate/gate.ts';
import { createNoteAnswer } from '../gate/offences.ts';
import type { Surcharge, UserBudgets } from '../gate/user-budget.ts';
import type { ConversationList } from '../history/conversation-list.ts';
import type { MarkerStore } from '../history/markers.ts';
import type { Transcripts } from '../history/transcripts.ts';
import { createLogger, describeError, type Logger } from '../logger.ts';
import type { Erasure } from '../operations/erasure.ts';
import type { PresenceStates } from '../presence/presence-state.ts';
import type { SearchIndex } from '../search/search-index.ts';
import type { Inboxes } from '../sending/inboxes.ts';
import type { MessageLog } from '../sending/message-log.ts';
import { createPosting, type Poster, type Posting } from '../sending/posting.ts';
import type { Send } from '../sending/send.ts';
import type { Tasks } from '../tasks.ts';
import { wireResume, wireSend, wireSurcharge } from '../wiring.ts';
import { createDynamoDbAddressStates } from './dynamodb-address-states.ts';
import { createDynamoDbConversationList } from './dynamodb-conversation-list.ts';
import { createDynamoDbDirectory } from './dynamodb-directory.ts';
import { createDynamoDbErasure } from './dynamodb-erasure.ts';
import { createDynamoDbInboxes } from './dynamodb-inboxes.ts';
import { createDynamoDbMarkers } from './dynamodb-markers.ts';
import { createDynamoDbMessageLog } from './dynamodb-message-log.ts';
import { createDynamoDbOffences } from './dynamodb-offences.ts';
import { createDynamoDbPresenceStates } from './dynamodb-presence-states.ts';
import { createDynamoDbSearchIndex } from './dynamodb-search-index.ts';
import { createDynamoDbTranscripts } from './dynamodb-transcripts.ts';
import { createDynamoDbUserBudgets } from './dynamodb-user-budgets.ts';
import { createManagementApiPoster } from './management-api-poster.ts';
import { createSqsTasks } from './sqs-tasks.ts';

/** How long connecting to DynamoDB or SQS and one attempt may take, in milliseconds. They usually answer in a few. */
const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true };

/** Where tasks are queued. */
type TasksConfig = Pick<SendConfig, 'tasksQueueUrl' | 'deliveriesQueueUrl' | 'client'>;

const BY_ENVIRONMENT: ClientSettings = {};
const dynamoDbClients = new WeakMap<ClientSettings, DynamoDBClient>();

/** One client for all DynamoDB adapters with the same settings, so that they share its connections. */
function dynamoDbClient(settings: ClientSettings = BY_ENVIRONMENT): DynamoDBClient {
  const client = dynamoDbClients.get(settings) ?? new DynamoDBClient({ ...settings, requestHandler: TIMEOUTS });
  dynamoDbClients.set(settings, client);
  return client;
}

/** The directory. It needs a surcharge where users are charged for writes of large items. */
export function composeDirectory({
  now,
  surcharge,
  config: { connectionsTable, client } = readDirectoryConfig(),
}: {
  readonly now: Now;
  readonly surcharge?: Surcharge;
  readonly config?: DirectoryConfig;
}): Directory {
  return createDynamoDbDirectory({ client: dynamoDbClient(client), tableName: connectionsTable, now, surcharge });
}

/** The budgets of users. */
function composeUserBudgets(now: Now, { connectionsTable }: DirectoryConfig): UserBudgets {
  return createDynamoDbUserBudgets({ client: dynamoDbClient(), tableName: connectionsTable, now });
}

/** Charges users for work after it is done, in functions that work on behalf of users. */
export function composeSurcharge(now: Now, log: Logger, config: DirectoryConfig = readDirectoryConfig()): Surcharge {
  return wireSurcharge({ userBudgets: composeUserBudgets(now, config), userRateLimit: readUserRateLimit(), log });
}

export function composeMessageLog(now: Now, { messagesTable, client }: LogConfig = readLogConfig()): MessageLog {
  return createDynamoDbMessageLog({ client: dynamoDbClient(client), tableName: messagesTable, now });
}

export function composeAddressStates(
  now: Now,
  {
    connectionsTable: tableName,
    retentionSeconds,
    client,
  }: DirectoryConfig & Pick<LogConfig, 'retentionSeconds'> = readSendConfig(),
): AddressStates {
  return createDynamoDbAddressStates({ client: dynamoDbClient(client), tableName, now, retentionSeconds });
}

/** Subscribes connections of this API to an address, and resumes there. */
export function composeResume(now: Now, enter: Enter = enterAdmitted(composeDirectory({ now }))): Resume {
  const config = { ...readDirectoryConfig(), ...readLogConfig() };
  const { retentionSeconds } = config;
  return wireResume({
    enter,
    log: composeMessageLog(now, config),
    states: composeAddressStates(now, config),
    presenceStates: composePresenceStates(now, config),
    tasks: composeTasks(),
    callbackUrl: readCallbackUrl(),
    retentionSeconds,
    now,
  });
}

export function composeTranscripts(now: Now, { messagesTable }: LogConfig = readLogConfig()): Transcripts {
  return createDynamoDbTranscripts({ client: dynamoDbClient(), tableName: messagesTable, now });
}

export function composeSearchIndex(now: Now, { messagesTable }: LogConfig = readLogConfig()): SearchIndex {
  return createDynamoDbSearchIndex({ client: dynamoDbClient(), tableName: messagesTable, now });
}

export function composeMarkers(
  now: Now,
  {
    connectionsTable: tableName,
    retentionSeconds,
    client,
  }: DirectoryConfig & Pick<LogConfig, 'retentionSeconds'> = readSendConfig(),
): MarkerStore {
  return createDynamoDbMarkers({ client: dynamoDbClient(client), tableName, now, retentionSeconds });
}

/** The list of conversations; `undefined` where it is switched off. */
export function composeConversationList(
  now: Now,
  {
    connectionsTable: tableName,
    retentionSeconds,
    client,
  }: DirectoryConfig & Pick<LogConfig, 'retentionSeconds'> = readSendConfig(),
): ConversationList | undefined {
  if (!hasConversations()) return undefined;
  return createDynamoDbConversationList({ client: dynamoDbClient(client), tableName, now, retentionSeconds });
}

export function composeInboxes(
  now: Now,
  {
    connectionsTable: tableName,
    retentionSeconds,
    client,
  }: DirectoryConfig & Pick<LogConfig, 'retentionSeconds'> = readSendConfig(),
): Inboxes {
  return createDynamoDbInboxes({ client: dynamoDbClient(client), tableName, now, retentionSeconds });
}

export function composePresenceStates(
  now: Now,
  { connectionsTable }: DirectoryConfig = readDirectoryConfig(),
): PresenceStates {
  return createDynamoDbPresenceStates({ client: dynamoDbClient(), tableName: connectionsTable, now });
}

export function composeTasks(
  { tasksQueueUrl, deliveriesQueueUrl, client: settings }: TasksConfig = readSendConfig(),
): Tasks {
  // A queue's URL names AWS, and the SDK would prefer it to an endpoint that the environment or the profile configures.
  const client = new SQSClient({ ...settings, requestHandler: TIMEOUTS, useQueueUrlAsEndpoint: false });
  return createSqsTasks({ client, queueUrl: tasksQueueUrl, deliveriesQueueUrl });
}

export function composeErasure(
  { connectionsTable, messagesTable }: Pick<SendConfig, 'connectionsTable' | 'messagesTable'> = readSendConfig(),
): Erasure {
  return createDynamoDbErasure({ client: dynamoDbClient(), connectionsTable, messagesTable });
}

/** The two gates: one before every frame, one before a registration. */
export function composeGate(
  { directory, now }: { directory: Directory; now: Now },
  config: DirectoryConfig = readDirectoryConfig(),
): { readonly admit: Admit; readonly enter: Enter } {
  return createGate({
    directory,
    userBudgets: composeUserBudgets(now, config),
    rateLimit: readRateLimit(),
    userRateLimit: readUserRateLimit(),
    now,
  });
}

/** The edge of a route, which sees the answer to each frame. */
export function composeEdge(
  now: Now,
  { connectionsTable }: DirectoryConfig = readDirectoryConfig(),
): RouteDependencies {
  return {
    log: createLogger(),
    limits: readSizeLimits(),
    noteAnswer: createNoteAnswer({
      offences: createDynamoDbOffences({ client: dynamoDbClient(), tableName: connectionsTable, now }),
      tasks: composeTasks(),
      callbackUrl: readCallbackUrl(),
      now,
    }),
    now,
  };
}

/** Posts over the Management API. Without a surcharge, nothing is posted on behalf of users. */
export function composePosting(
  dependencies: { directory: Directory; log: Logger; surcharge?: Surcharge },
  config: TasksConfig & Pick<SendConfig, 'callbackUrl'> = readSendConfig(),
): { posting: Posting; poster: Poster; tasks: Tasks } {
  const { directory, log, surcharge } = dependencies;
  const poster = createManagementApiPoster({
    callbackUrl: config.callbackUrl,
    client: config.client,
    onFailure: (error) => log({ route: 'post', outcome: 'failed', error: describeError(error) }),
  });
  const tasks = composeTasks(config);
  return { posting: createPosting({ poster, directory, tasks, surcharge }), poster, tasks };
}

/**
 * Sends messages, with all of the above.
 * @param dependencies `onFailure` is called, besides the log, with the reason why a message could not be sent, and with
 *   the problem that the sender gets
 */
export function composeSend(
  dependencies: {
    directory: Directory;
    now: Now;
    log: Logger;
    surcharge?: Surcharge;
    onFailure?: (cause: unknown, told: Problem) => void;
  },
  config: SendConfig = readSendConfig(),
): Send {
  const { directory, now, log, onFailure } = dependencies;
  const { posting, tasks } = composePosting(dependencies, config);
  return wireSend({
    directory,
    log: composeMessageLog(now, config),
    inboxes: composeInboxes(now, config),
    states: composeAddressStates(now, config),
    posting,
    tasks,
    inboxLimit: readInboxLimit(),
    retentionSeconds: config.retentionSeconds,
    isSearched: readSearchConfig() !== undefined,
    list: composeConversationList(now, config),
    now,
    logger: log,
    onFailure,
  });
}
