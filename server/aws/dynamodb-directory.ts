import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  type Address,
  presenceAddress,
  type RoomAddress,
  type Topic,
  type UserAddress,
  userAddress,
} from '../address.ts';
import { parseCapability } from '../capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Claims } from '../connection.ts';
import {
  type Directory,
  type FindOptions,
  type Mapping,
  type PutOutcome,
  type Registration,
  SUBSCRIPTION_LIMITS,
  type SubscriptionChange,
  type Subscriptions,
  type TouchOutcome,
} from '../directory.ts';
import { CONNECTION_LIFE_SECONDS, EXPIRY_MARGIN_SECONDS } from '../expiry.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';

/** Mappings of one connection that are removed at once. */
const MAX_CONCURRENT_DELETES = 25;

/** The directory in a DynamoDB table with the partition key `address` and the sort key `connectionId`. */
export function createDynamoDbDirectory(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Directory {
  const { client, tableName: TableName, now } = options;

  async function touch(
    address: UserAddress,
    connectionId: string,
    expiresAt: number,
    change?: SubscriptionChange,
  ): Promise<TouchOutcome> {
    const nowSeconds = toSeconds(now());
    const soonSeconds = nowSeconds + EXPIRY_MARGIN_SECONDS;
    const { condition = '', update = '', values = {} } = change ? changeInput(change) : {};
    const command = new UpdateItemCommand({
      TableName,
      Key: key(address, connectionId),
      ConditionExpression: `expiresAt > :soon AND tokenExpiresAt > :soon AND attribute_not_exists(removedAt)${condition}`,
      UpdateExpression: `SET lastSeenAt = :now, expiresAt = :expiresAt${update}`,
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ExpressionAttributeValues: {
        ...values,
        ':soon': number(soonSeconds),
        ':now': number(nowSeconds),
        ':expiresAt': number(expiresAt),
      },
    });
    try {
      const { Attributes } = await client.send(command);
      return toClaims(Attributes ?? {});
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const refused = refusedTouch(error.Item, soonSeconds);
      if (refused || !change) return refused ?? 'not_registered';
      // The condition took all of them for new. Counted exactly, and the next attempt adds fewer.
      const missing = missingFrom(error.Item ?? {}, change);
      return missing ? touch(address, connectionId, expiresAt, missing) : SUBSCRIPTION_LIMITS[change.kind].exceeded;
    }
  }

  async function deleteMapping(address: Topic, connectionId: string): Promise<Item> {
    const input = { TableName, Key: key(address, connectionId), ReturnValues: 'ALL_OLD' } as const;
    const { Attributes = {} } = await client.send(new DeleteItemCommand(input));
    return Attributes;
  }

  /** One that cannot be removed keeps none of the others. */
  async function unsubscribe(connectionId: string, topics: readonly Topic[]): Promise<void> {
    const settled = await mapConcurrently(topics, MAX_CONCURRENT_DELETES, async (topic) => {
      const [outcome] = await Promise.allSettled([deleteMapping(topic, connectionId)]);
      return outcome;
    });
    const failed = settled.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  return {
    put: (registration) => put(client, TableName, registration),

    async find(address, findOptions) {
      // The clock is read before the directory: a mapping that expires meanwhile has not been seen to be live.
      const input = { TableName, ...findInput(address, toSeconds(now()), findOptions) };
      const { limit = Number.POSITIVE_INFINITY } = findOptions;
      const mappings: Mapping[] = [];
      let page: QueryCommandInput | undefined = input;
      while (page && mappings.length < limit) {
        const { Items = [], LastEvaluatedKey }: QueryCommandOutput = await client.send(new QueryCommand(page));
        mappings.push(...Items.map((item) => toMapping(address, item)));
        page = LastEvaluatedKey && { ...input, ExclusiveStartKey: LastEvaluatedKey };
      }
      return mappings.slice(0, limit);
    },

    touch,

    async forget({ address, connectionId, userId }) {
      const user = userAddress(userId);
      const subscriptions = toSubscriptions(await deleteMapping(user, connectionId));
      const { rooms, watches } = subscriptions;
      const others = new Set<Topic>([address, ...rooms, ...watches.map(presenceAddress)]);
      others.delete(user);
      await unsubscribe(connectionId, [...others]);
      return subscriptions;
    },

    unsubscribe,

    async remove(address, connectionId) {
      const nowSeconds = toSeconds(now());
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: key(address, connectionId),
          UpdateExpression: 'SET removedAt = :now, expiresAt = :expiresAt',
          ExpressionAttributeValues: {
            ':now': number(nowSeconds),
            ':expiresAt': number(nowSeconds + CONNECTION_LIFE_SECONDS),
          },
        }),
      );
    },
  };
}

/** An update, so that what else is known of the connection stays. */
async function put(client: DynamoDBClient, TableName: string, registration: Registration): Promise<PutOutcome> {
  const { address, connectionId, attempt, registeredAt } = registration;
  const values = {
    callbackUrl: { S: registration.callbackUrl },
    userId: { S: registration.userId },
    attempt: number(attempt),
    registeredAt: number(registeredAt),
    lastSeenAt: number(registeredAt),
    tokenExpiresAt: number(registration.tokenExpiresAt),
    capability: { S: JSON.stringify(registration.capability) },
    expiresAt: number(registration.expiresAt),
  };
  const names = Object.keys(values);
  const command = new UpdateItemCommand({
    TableName,
    Key: key(address, connectionId),
    UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(', ')}`,
    // The same attempt may come twice: the SDK tries again when an answer gets lost.
    ConditionExpression: 'attribute_not_exists(address) OR (attribute_not_exists(removedAt) AND attempt <= :attempt)',
    ExpressionAttributeValues: Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await client.send(command);
    return 'registered';
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return error.Item?.['removedAt'] ? 'removed' : 'superseded';
  }
}

function findInput(address: Topic, nowSeconds: number, { consistent, limit, range }: FindOptions) {
  return {
    ConsistentRead: consistent,
    KeyConditionExpression: `address = :address${range ? ' AND connectionId BETWEEN :first AND :last' : ''}`,
    FilterExpression: 'expiresAt > :now AND tokenExpiresAt > :now AND attribute_not_exists(removedAt)',
    ProjectionExpression: 'connectionId, userId, callbackUrl, expiresAt, tokenExpiresAt',
    ExpressionAttributeValues: {
      ':address': { S: address },
      ':now': number(nowSeconds),
      ...(range && { ':first': { S: range.first }, ':last': { S: range.last } }),
    },
    ...(limit !== undefined && { Limit: limit }),
  } satisfies Omit<QueryCommandInput, 'TableName'>;
}

function key(address: Topic, connectionId: string): Item {
  return { address: { S: address }, connectionId: { S: connectionId } };
}

function toMapping(address: Topic, item: Item): Mapping {
  return {
    address,
    connectionId: textOf(item, 'connectionId'),
    userId: textOf(item, 'userId'),
    callbackUrl: textOf(item, 'callbackUrl'),
    expiresAt: Math.min(numberOf(item, 'expiresAt'), numberOf(item, 'tokenExpiresAt')),
  };
}

function toClaims(item: Item): Claims {
  const capability = parseCapability(JSON.parse(textOf(item, 'capability')));
  if (!capability) throw new Error('A mapping has a capability that is none');
  return { tokenExpiresAt: numberOf(item, 'tokenExpiresAt'), capability };
}

/** Why a touch was refused, unless it was for its change. */
function refusedTouch(item: Item | undefined, soonSeconds: number): 'not_registered' | 'token_expired' | undefined {
  if (!item || item['removedAt']) return 'not_registered';
  if (numberOf(item, 'tokenExpiresAt') <= soonSeconds) return 'token_expired';
  return numberOf(item, 'expiresAt') <= soonSeconds ? 'not_registered' : undefined;
}

/** What a change adds to a touch. Sets must not be empty, here as in an item. */
function changeInput({ change, kind, addresses }: SubscriptionChange) {
  const SS = [...new Set(addresses)];
  if (SS.length === 0) return {};
  if (change === 'remove') return { update: ` DELETE ${kind} :changed`, values: { ':changed': { SS } } };
  return {
    condition: ` AND (attribute_not_exists(${kind}) OR size(${kind}) <= :space)`,
    update: ` ADD ${kind} :changed`,
    values: { ':changed': { SS }, ':space': number(SUBSCRIPTION_LIMITS[kind].most - SS.length) },
  };
}

/** The change without what is there already, if the limit allows that. */
function missingFrom(item: Item, change: SubscriptionChange): SubscriptionChange | undefined {
  const existing = toSubscriptions(item)[change.kind] as readonly Address[];
  const addresses = [...new Set(change.addresses)].filter((address) => !existing.includes(address));
  const fits = existing.length + addresses.length <= SUBSCRIPTION_LIMITS[change.kind].most;
  return fits ? { ...change, addresses } : undefined;
}

function toSubscriptions({ rooms, watches }: Item): Subscriptions {
  return { rooms: (rooms?.SS ?? []) as RoomAddress[], watches: (watches?.SS ?? []) as Address[] };
}
