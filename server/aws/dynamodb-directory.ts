import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type Address, type RoomAddress, type Topic, type UserAddress, userAddress } from '../address.ts';
import { parseCapability } from '../capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Claims } from '../connection.ts';
import {
  DEFAULT_SUBSCRIPTION_LIMITS,
  type Directory,
  type FindOptions,
  type Mapping,
  type PutOutcome,
  type Registration,
  type SubscriptionChange,
  type SubscriptionLimits,
  type Subscriptions,
  TOO_MANY,
  type TouchOptions,
  type TouchOutcome,
  type TouchRefusal,
  topicsOf,
} from '../directory.ts';
import { CONNECTION_LIFE_SECONDS, EXPIRY_MARGIN_SECONDS } from '../expiry.ts';
import { arrival, type Charge } from '../rate-limit.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';
import { chargeInput, type Pace } from './charge-input.ts';
import { writeConditionally } from './conditional-write.ts';
import { queryItems, readItems } from './read-items.ts';

/** Mappings of one connection that are changed at once. */
const MAX_CONCURRENT_WRITES = 25;

/** The directory in a DynamoDB table with the partition key `address` and the sort key `connectionId`. */
export function createDynamoDbDirectory(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Directory {
  const { client, tableName: TableName, now } = options;

  /**
   * One write in the usual case. What it takes for granted – that the sender has paused, that the topics are new – the
   * item itself corrects, and the next attempt takes it from there.
   */
  async function touch(
    address: UserAddress,
    connectionId: string,
    options: TouchOptions,
    pace: Pace = 'idle',
  ): Promise<TouchOutcome> {
    const nowMs = now();
    const { condition, update, values } = touchInput(options, pace, nowMs);
    const command = new UpdateItemCommand({
      TableName,
      Key: key(address, connectionId),
      ConditionExpression: condition.join(' AND '),
      UpdateExpression: update.join(' '),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ExpressionAttributeValues: values,
    });
    try {
      const { Attributes = {} } = await client.send(command);
      return { ...toClaims(Attributes), charged: Number(Attributes['charged']?.N ?? 0) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const next = reconsider(error.Item, options, nowMs);
      return 'refused' in next ? next : touch(address, connectionId, next.options, next.pace);
    }
  }

  async function deleteMapping(address: Topic, connectionId: string): Promise<Item> {
    const input = { TableName, Key: key(address, connectionId), ReturnValues: 'ALL_OLD' } as const;
    const { Attributes = {} } = await client.send(new DeleteItemCommand(input));
    return Attributes;
  }

  /** One that cannot be removed keeps none of the others. */
  async function unsubscribe(connectionId: string, topics: readonly Topic[]): Promise<void> {
    const settled = await mapConcurrently(topics, MAX_CONCURRENT_WRITES, async (topic) => {
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
      const { limit } = findOptions;
      const mappings: Mapping[] = [];
      for await (const item of queryItems(client, input)) {
        mappings.push(toMapping(address, item));
        if (mappings.length === limit) break;
      }
      return mappings;
    },

    async members(room) {
      const nowSeconds = toSeconds(now());
      const inRoom = new Map<string, Mapping>();
      for await (const item of queryItems(client, {
        TableName,
        ...findInput(room, nowSeconds, { consistent: true }),
      })) {
        const mapping = toMapping(room, item);
        inRoom.set(mapping.connectionId, mapping);
      }
      const keys = [...inRoom.values()].map(({ userId, connectionId }) => key(userAddress(userId), connectionId));
      const ofUsers = await readItems(client, TableName, keys, { consistent: true });
      return ofUsers.flatMap((item) => {
        const mapping = inRoom.get(textOf(item, 'connectionId'));
        const isMember = !item['removedAt'] && toSubscriptions(item).rooms.includes(room);
        const expiresAt = endOf(item);
        return mapping && isMember && expiresAt > nowSeconds ? [{ ...mapping, expiresAt }] : [];
      });
    },

    touch: (address, connectionId, options) => touch(address, connectionId, options),

    async holdBack(address, connectionId, { cost, arrivesAt }) {
      await updateIf(client, {
        TableName,
        Key: key(address, connectionId),
        ConditionExpression: 'attribute_exists(charged)',
        UpdateExpression: 'SET charged = charged - :cost, arrivesAt = :arrivesAt',
        ExpressionAttributeValues: { ':cost': number(cost), ':arrivesAt': number(arrivesAt) },
      });
    },

    async countRefusal(address, connectionId) {
      const attributes = await updateIf(client, {
        TableName,
        Key: key(address, connectionId),
        ConditionExpression: 'attribute_exists(address)',
        UpdateExpression: 'ADD refusals :one',
        ReturnValues: 'UPDATED_NEW',
        ExpressionAttributeValues: { ':one': number(1) },
      });
      return attributes ? numberOf(attributes, 'refusals') : 0;
    },

    async forget({ address, connectionId, userId }) {
      const user = userAddress(userId);
      const subscriptions = toSubscriptions(await deleteMapping(user, connectionId));
      const others = new Set<Topic>([address, ...topicsOf(subscriptions)]);
      others.delete(user);
      await unsubscribe(connectionId, [...others]);
      return subscriptions;
    },

    async withdraw(address, connectionId, attempt) {
      const command = new DeleteItemCommand({
        TableName,
        Key: key(address, connectionId),
        ConditionExpression: 'attribute_not_exists(attempt) OR attempt <= :attempt',
        ExpressionAttributeValues: { ':attempt': number(attempt) },
      });
      return (await writeConditionally(client, command)) ? 'withdrawn' : 'superseded';
    },

    unsubscribe,

    async subscriptions(address, connectionId) {
      const command = new GetItemCommand({ TableName, Key: key(address, connectionId), ConsistentRead: true });
      const { Item = {} } = await client.send(command);
      return toSubscriptions(Item);
    },

    async renew(connectionId, topics, { tokenExpiresAt, capability }) {
      const renewed = await mapConcurrently(topics, MAX_CONCURRENT_WRITES, (topic) =>
        updateIf(client, {
          TableName,
          Key: key(topic, connectionId),
          ConditionExpression: 'tokenExpiresAt > :soon AND attribute_not_exists(removedAt)',
          UpdateExpression: 'SET tokenExpiresAt = :tokenExpiresAt, capability = :capability',
          ExpressionAttributeValues: {
            ':soon': number(toSeconds(now()) + EXPIRY_MARGIN_SECONDS),
            ':tokenExpiresAt': number(tokenExpiresAt),
            ':capability': { S: JSON.stringify(capability) },
          },
        }),
      );
      return topics.filter((_, index) => renewed[index] !== undefined);
    },

    async remove(address, connectionId) {
      const nowSeconds = toSeconds(now());
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: key(address, connectionId),
          ReturnValues: 'ALL_OLD',
          UpdateExpression: 'SET removedAt = :now, expiresAt = :expiresAt',
          ExpressionAttributeValues: {
            ':now': number(nowSeconds),
            ':expiresAt': number(nowSeconds + CONNECTION_LIFE_SECONDS),
          },
        }),
      );
      return toSubscriptions(Attributes);
    },
  };
}

/** @returns what the update gives back, or undefined where its condition does not hold */
async function updateIf(client: DynamoDBClient, input: UpdateItemCommandInput): Promise<Item | undefined> {
  try {
    const { Attributes = {} } = await client.send(new UpdateItemCommand(input));
    return Attributes;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
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

function findInput(address: Topic, nowSeconds: number, { consistent, limit, range, inRoom }: FindOptions) {
  return {
    ConsistentRead: consistent,
    KeyConditionExpression: `address = :address${range ? ' AND connectionId BETWEEN :first AND :last' : ''}`,
    FilterExpression: `expiresAt > :now AND tokenExpiresAt > :now AND attribute_not_exists(removedAt)${inRoom ? ' AND contains(rooms, :room)' : ''}`,
    ProjectionExpression: 'connectionId, userId, callbackUrl, expiresAt, tokenExpiresAt',
    ExpressionAttributeValues: {
      ':address': { S: address },
      ':now': number(nowSeconds),
      ...(range && { ':first': { S: range.first }, ':last': { S: range.last } }),
      ...(inRoom && { ':room': { S: inRoom } }),
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
    expiresAt: endOf(item),
  };
}

/** Epoch seconds: from then on the mapping does not exist for any reader. */
function endOf(item: Item): number {
  return Math.min(numberOf(item, 'expiresAt'), numberOf(item, 'tokenExpiresAt'));
}

function toClaims(item: Item): Claims {
  const capability = parseCapability(JSON.parse(textOf(item, 'capability')));
  if (!capability) throw new Error('A mapping has a capability that is none');
  return { tokenExpiresAt: numberOf(item, 'tokenExpiresAt'), capability };
}

/** A part of an update. */
interface UpdatePart {
  readonly condition?: string;
  readonly update: string;
  readonly values: Item;
}

function touchInput(options: TouchOptions, pace: Pace, nowMs: number) {
  const { expiresAt, change, most = DEFAULT_SUBSCRIPTION_LIMITS, charge } = options;
  const nowSeconds = toSeconds(nowMs);
  const parts: readonly UpdatePart[] = [
    {
      condition: 'expiresAt > :soon AND tokenExpiresAt > :soon AND attribute_not_exists(removedAt)',
      update: 'SET lastSeenAt = :now, expiresAt = :expiresAt',
      values: {
        ':soon': number(nowSeconds + EXPIRY_MARGIN_SECONDS),
        ':now': number(nowSeconds),
        ':expiresAt': number(expiresAt),
      },
    },
    ...(charge ? [touchChargeInput(charge, pace, nowMs)] : []),
    ...(change ? changeInput(change, most) : []),
  ];
  return {
    condition: parts.flatMap((part) => part.condition ?? []),
    update: parts.map((part) => part.update),
    values: Object.fromEntries(parts.flatMap((part) => Object.entries(part.values))),
  };
}

/** Continues the `SET` of the touch. */
function touchChargeInput(charge: Charge, pace: Pace, nowMs: number): UpdatePart {
  const { condition, set, values } = chargeInput(charge, pace, nowMs);
  const sets = [set, 'charged = if_not_exists(charged, :none) + :cost'];
  if (pace === 'idle') sets.push('refusals = :none');
  return {
    condition,
    update: sets.map((each) => `, ${each}`).join(''),
    values: { ...values, ':cost': number(charge.cost), ':none': number(0) },
  };
}

/** Why a touch has failed: for good, or because it took the wrong things for granted. */
function reconsider(
  item: Item | undefined,
  options: TouchOptions,
  nowMs: number,
): TouchRefusal | { readonly options: TouchOptions; readonly pace: Pace } {
  const soonSeconds = toSeconds(nowMs) + EXPIRY_MARGIN_SECONDS;
  if (!item || item['removedAt']) return { refused: 'not_registered' };
  const callbackUrl = textOf(item, 'callbackUrl');
  if (numberOf(item, 'tokenExpiresAt') <= soonSeconds) return { refused: 'token_expired', callbackUrl };
  if (numberOf(item, 'expiresAt') <= soonSeconds) return { refused: 'not_registered' };
  const { change, most = DEFAULT_SUBSCRIPTION_LIMITS, charge } = options;
  const arrivesAt = Number(item['arrivesAt']?.N ?? 0);
  const lateMs = charge ? arrivesAt - arrival(charge, nowMs).latestMs : 0;
  if (arrivesAt > nowMs && lateMs > 0) return { refused: 'rate_limited', retryAfterMs: lateMs, callbackUrl };
  const rest = change && whatIsLeft(change, item, most);
  if (change && !rest) return { refused: TOO_MANY[change.kind] };
  return {
    options: { ...options, ...(rest && { change: rest }) },
    pace: arrivesAt > nowMs ? 'busy' : 'idle',
  };
}

/** What a change adds to a touch. Sets must not be empty, here as in an item. */
function changeInput({ change, kind, addresses }: SubscriptionChange, most: SubscriptionLimits): readonly UpdatePart[] {
  const SS = [...new Set(addresses)];
  if (SS.length === 0) return [];
  if (change === 'remove') return [{ update: `DELETE ${kind} :changed`, values: { ':changed': { SS } } }];
  const space = most[kind] - SS.length;
  // Alone, it holds nowhere when there is no space: what is not there has no size.
  const fits = `size(${kind}) <= :space`;
  return [
    {
      condition: space < 0 ? fits : `(attribute_not_exists(${kind}) OR ${fits})`,
      update: `ADD ${kind} :changed`,
      values: { ':changed': { SS }, ':space': number(space) },
    },
  ];
}

/** What a change has still to do: to add only what is not there yet. `undefined`: the limit does not allow that. */
function whatIsLeft(change: SubscriptionChange, item: Item, most: SubscriptionLimits): SubscriptionChange | undefined {
  if (change.change === 'remove') return change;
  const existing = toSubscriptions(item)[change.kind] as readonly Address[];
  const addresses = [...new Set(change.addresses)].filter((address) => !existing.includes(address));
  const fits = existing.length + addresses.length <= most[change.kind];
  return fits ? { ...change, addresses } : undefined;
}

function toSubscriptions({ rooms, watches }: Item): Subscriptions {
  return { rooms: (rooms?.SS ?? []) as RoomAddress[], watches: (watches?.SS ?? []) as Address[] };
}
