import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Topic } from '../address.ts';
import { parseCapability } from '../capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Claims } from '../connection.ts';
import type { Directory, FindOptions, Mapping, PutOutcome, Registration, TouchOutcome } from '../directory.ts';
import { CONNECTION_LIFE_SECONDS, EXPIRY_MARGIN_SECONDS } from '../expiry.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';

/** The directory in a DynamoDB table with the partition key `address` and the sort key `connectionId`. */
export function createDynamoDbDirectory(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Directory {
  const { client, tableName: TableName, now } = options;

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

    async touch(address, connectionId, expiresAt) {
      const nowSeconds = toSeconds(now());
      const command = new UpdateItemCommand({
        TableName,
        Key: key(address, connectionId),
        ConditionExpression: 'expiresAt > :soon AND tokenExpiresAt > :soon AND attribute_not_exists(removedAt)',
        UpdateExpression: 'SET lastSeenAt = :now, expiresAt = :expiresAt',
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ExpressionAttributeValues: {
          ':soon': number(nowSeconds + EXPIRY_MARGIN_SECONDS),
          ':now': number(nowSeconds),
          ':expiresAt': number(expiresAt),
        },
      });
      try {
        const { Attributes } = await client.send(command);
        return toClaims(Attributes ?? {});
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return refusedTouch(error.Item, nowSeconds + EXPIRY_MARGIN_SECONDS);
      }
    },

    async forget(address, connectionId) {
      await client.send(new DeleteItemCommand({ TableName, Key: key(address, connectionId) }));
    },

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
    ProjectionExpression: 'connectionId, callbackUrl, expiresAt, tokenExpiresAt',
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
    callbackUrl: textOf(item, 'callbackUrl'),
    expiresAt: Math.min(numberOf(item, 'expiresAt'), numberOf(item, 'tokenExpiresAt')),
  };
}

function toClaims(item: Item): Claims {
  const capability = parseCapability(JSON.parse(textOf(item, 'capability')));
  if (!capability) throw new Error('A mapping has a capability that is none');
  return { tokenExpiresAt: numberOf(item, 'tokenExpiresAt'), capability };
}

function refusedTouch(item: Item | undefined, soonSeconds: number): TouchOutcome {
  const isTokenOver = item && !item['removedAt'] && numberOf(item, 'tokenExpiresAt') <= soonSeconds;
  return isTokenOver ? 'token_expired' : 'not_registered';
}
