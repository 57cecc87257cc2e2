import {
  DeleteItemCommand,
  type DynamoDBClient,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { isPresence, isRoom, type Topic, type UserAddress, userAddress, userIdOf } from '../address.ts';
import { hashCapability } from '../auth/capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import {
  CONNECTION_LIFE_SECONDS,
  type Directory,
  type EnterOutcome,
  type FindOptions,
  type Mapping,
  type PutOutcome,
  type Registration,
  topicsOf,
} from '../connections/directory.ts';
import type { Charge } from '../gate/rate-limit.ts';
import type { Surcharge } from '../gate/user-budget.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';
import type { Pace } from './charge-input.ts';
import { deleteIf, updateIf } from './conditional-write.ts';
import {
  all,
  HAS_BEEN_CHARGED,
  hasGoodToken,
  IS_NOT_REMOVED,
  IS_OF_FIRST_ATTEMPT,
  isNotOvertaken,
  isOfAttempt,
} from './conditions.ts';
import { createDynamoDbSubscriptions } from './dynamodb-subscriptions.ts';
import { arrivalOf, chargedOf, chargeRefusal, connectionCharge, createDynamoDbTouch } from './dynamodb-touch.ts';
import { queryItems, readItems } from './read-items.ts';
import { keyOf, mappingKey } from './tables.ts';

/** Mappings of one connection that are changed at once. */
const MAX_CONCURRENT_WRITES = 25;

/** The directory in the connections table. */
export function createDynamoDbDirectory(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** Charges a user for writes of large items. Absent: this function writes none for users. */
  readonly surcharge?: Surcharge | undefined;
}): Directory {
  const { client, tableName: TableName, now } = options;
  const { deleteItem: deleteSubscriptions, ...subscriptions } = createDynamoDbSubscriptions(options);

  const deleteMapping = (topic: Topic, connectionId: string) =>
    client.send(new DeleteItemCommand({ TableName, Key: mappingKey(topic, connectionId) }));

  /**
   * Ends a registration whose connection may be alive. No reader sees the rest of the item, but it keeps the attempt's
   * number.
   */
  async function endRegistration(user: UserAddress, connectionId: string): Promise<void> {
    const place = { TableName, Key: keyOf('connection', { user, connectionId }) };
    const { held: isDeleted } = await deleteIf(client, IS_OF_FIRST_ATTEMPT, place);
    if (isDeleted) return;
    await updateIf(client, IS_NOT_REMOVED, {
      ...place,
      UpdateExpression: 'SET expiresAt = :now',
      values: { ':now': number(toSeconds(now())) },
    });
  }

  /** Removes all mappings that it can, even if one fails. */
  async function unsubscribe(connectionId: string, topics: readonly Topic[]): Promise<void> {
    const settled = await mapConcurrently(topics, MAX_CONCURRENT_WRITES, async (topic) => {
      const [outcome] = await Promise.allSettled([deleteMapping(topic, connectionId)]);
      return outcome;
    });
    const failed = settled.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Reads the clock before the directory: it must not return a mapping that expires in between. */
  async function find(address: Topic, findOptions: FindOptions): Promise<readonly Mapping[]> {
    const input = { TableName, ...findInput(address, toSeconds(now()), findOptions) };
    const { limit } = findOptions;
    const mappings: Mapping[] = [];
    for await (const item of queryItems(client, input)) {
      mappings.push(toMapping(address, item));
      if (mappings.length === limit) break;
    }
    return mappings;
  }

  /** The live mappings of some connections, each at its own topic. */
  async function findEach(topics: ReadonlyMap<string, Topic>): Promise<readonly Mapping[]> {
    const nowSeconds = toSeconds(now());
    const keys = [...topics].map(([connectionId, topic]) => mappingKey(topic, connectionId));
    const items = await readItems(client, TableName, keys, { consistent: true });
    return items.flatMap((item) => {
      const topic = topics.get(textOf(item, 'connectionId'));
      return topic !== undefined && isLiveItem(item, nowSeconds) ? [toMapping(topic, item)] : [];
    });
  }

  /** Updates the item, so that its other attributes stay. */
  function writeMapping(registration: Registration, charging?: ReturnType<typeof connectionCharge>) {
    const { address, connectionId, attempt } = registration;
    const values = toAttributes(registration);
    const sets = Object.keys(values).map((name) => `${name} = :${name}`);
    const isAllowed = isNotOvertaken(attempt);
    return updateIf(client, charging ? all(isAllowed, charging.condition) : isAllowed, {
      TableName,
      Key: mappingKey(address, connectionId),
      UpdateExpression: `SET ${[...sets, ...(charging?.sets ?? [])].join(', ')}`,
      values: {
        ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
        ...charging?.values,
      },
      ...(charging && { ReturnValues: 'UPDATED_NEW' as const }),
    });
  }

  async function enter(registration: Registration, charge: Charge, pace: Pace = 'idle'): Promise<EnterOutcome> {
    const nowMs = now();
    const { held, item } = await writeMapping(registration, connectionCharge(charge, pace, nowMs));
    if (held) return { charged: chargedOf(item) };
    const isOvertaken = !(Number(item?.['attempt']?.N) <= registration.attempt);
    if (!item || item['removedAt'] || isOvertaken) return { refused: refusalToPut(item) };
    const refusal = chargeRefusal(item, charge, nowMs);
    return refusal ?? enter(registration, charge, arrivalOf(item) > nowMs ? 'busy' : 'idle');
  }

  return {
    ...subscriptions,

    async put(registration) {
      const { held, item } = await writeMapping(registration);
      return held ? 'registered' : refusalToPut(item);
    },

    enter: (registration, charge) => enter(registration, charge),

    find,

    async members(room, userId) {
      const consistent = { consistent: true };
      const inRoom =
        userId === undefined
          ? await find(room, consistent)
          : await findEach(
              new Map((await find(userAddress(userId), consistent)).map(({ connectionId }) => [connectionId, room])),
            );
      // The user's mappings come last: each returned user was in the room while the connection was live.
      const live = await findEach(
        new Map(inRoom.map((mapping) => [mapping.connectionId, userAddress(mapping.userId)])),
      );
      const ends = new Map(live.map(({ connectionId, expiresAt }) => [connectionId, expiresAt]));
      return inRoom.flatMap((mapping) => {
        const endsAt = ends.get(mapping.connectionId);
        return endsAt === undefined ? [] : [{ ...mapping, expiresAt: Math.min(mapping.expiresAt, endsAt) }];
      });
    },

    touch: createDynamoDbTouch({ client, TableName, now }),

    async holdBack(user, connectionId, { cost, arrivesAt }) {
      await updateIf(client, HAS_BEEN_CHARGED, {
        TableName,
        Key: keyOf('connection', { user, connectionId }),
        UpdateExpression: 'SET charged = charged - :cost, arrivesAt = :arrivesAt',
        values: { ':cost': number(cost), ':arrivesAt': number(arrivesAt) },
      });
    },

    async forget({ address, connectionId, userId }, mayBeAlive = false) {
      const user = userAddress(userId);
      // First the mapping that shows that the connection is live, so that nobody finds it; then the subscriptions. If
      // this handler dies in between, the subscriptions stay, and the next sender that posts to one of their topics
      // comes here again.
      await (mayBeAlive ? endRegistration(user, connectionId) : deleteMapping(user, connectionId));
      const known = await deleteSubscriptions(user, connectionId);
      const others = new Set<Topic>([address, ...topicsOf(known)]);
      others.delete(user);
      await unsubscribe(connectionId, [...others]);
      return known;
    },

    async renew(connectionId, topics, tokenExpiresAt) {
      const renewed = await mapConcurrently(topics, MAX_CONCURRENT_WRITES, (topic) =>
        updateIf(client, hasGoodToken(now()), {
          TableName,
          Key: mappingKey(topic, connectionId),
          UpdateExpression: 'SET tokenExpiresAt = :tokenExpiresAt',
          values: { ':tokenExpiresAt': number(tokenExpiresAt) },
        }),
      );
      return topics.filter((_, index) => renewed[index]?.held);
    },

    async withdraw(address, connectionId, attempt) {
      const input = { TableName, Key: mappingKey(address, connectionId) };
      const { held } = await deleteIf(client, isOfAttempt(attempt), input);
      return held ? 'withdrawn' : 'superseded';
    },

    unsubscribe,

    async remove(address, connectionId) {
      const nowSeconds = toSeconds(now());
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: mappingKey(address, connectionId),
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

/**
 * The attributes of a mapping: a user's mapping has what posting and the gate need, all others what posting and
 * forgetting need.
 */
function toAttributes(registration: Registration): Item {
  const { address, attempt, expiresAt, tokenExpiresAt, registeredAt, capability, callbackUrl, userId } = registration;
  const common = {
    callbackUrl: { S: callbackUrl },
    attempt: number(attempt),
    tokenExpiresAt: number(tokenExpiresAt),
    expiresAt: number(expiresAt),
  };
  if (isPresence(address) || isRoom(address)) return { ...common, userId: { S: userId } };
  return {
    ...common,
    registeredAt: number(registeredAt),
    lastSeenAt: number(registeredAt),
    capabilityHash: { S: hashCapability(capability) },
  };
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

function refusalToPut(item: Item | undefined): Exclude<PutOutcome, 'registered'> {
  return item?.['removedAt'] ? 'removed' : 'superseded';
}

function isLiveItem(item: Item, nowSeconds: number): boolean {
  // A tombstone that never was a mapping has only an expiry.
  return !item['removedAt'] && endOf(item) > nowSeconds;
}

function toMapping(address: Topic, item: Item): Mapping {
  return {
    address,
    connectionId: textOf(item, 'connectionId'),
    userId: isPresence(address) || isRoom(address) ? textOf(item, 'userId') : userIdOf(address),
    callbackUrl: textOf(item, 'callbackUrl'),
    expiresAt: endOf(item),
  };
}

/** Epoch seconds. From then on no reader sees the mapping. */
function endOf(item: Item): number {
  return Math.min(numberOf(item, 'expiresAt'), numberOf(item, 'tokenExpiresAt'));
}
