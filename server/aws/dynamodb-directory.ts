import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Address } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Directory, FindOptions, Mapping, PutOutcome, Registration } from '../directory.ts';
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
        ConditionExpression: 'expiresAt > :soon AND attribute_not_exists(removedAt)',
        UpdateExpression: 'SET lastSeenAt = :now, expiresAt = :expiresAt',
        ExpressionAttributeValues: {
          ':soon': number(nowSeconds + EXPIRY_MARGIN_SECONDS),
          ':now': number(nowSeconds),
          ':expiresAt': number(expiresAt),
        },
      });
      return client.send(command).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ConditionalCheckFailedException) return false;
          throw error;
        },
      );
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

async function put(client: DynamoDBClient, TableName: string, registration: Registration): Promise<PutOutcome> {
  const { address, connectionId, callbackUrl, userId, attempt, registeredAt, tokenExpiresAt, expiresAt } = registration;
  const command = new PutItemCommand({
    TableName,
    Item: {
      ...key(address, connectionId),
      callbackUrl: { S: callbackUrl },
      userId: { S: userId },
      attempt: number(attempt),
      registeredAt: number(registeredAt),
      lastSeenAt: number(registeredAt),
      tokenExpiresAt: number(tokenExpiresAt),
      expiresAt: number(expiresAt),
    },
    // The same attempt may come twice: the SDK tries again when an answer gets lost.
    ConditionExpression: 'attribute_not_exists(address) OR (attribute_not_exists(removedAt) AND attempt <= :attempt)',
    ExpressionAttributeValues: { ':attempt': number(attempt) },
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

function findInput(address: Address, nowSeconds: number, { consistent, limit, range }: FindOptions) {
  return {
    ConsistentRead: consistent,
    KeyConditionExpression: `address = :address${range ? ' AND connectionId BETWEEN :first AND :last' : ''}`,
    FilterExpression: 'expiresAt > :now AND attribute_not_exists(removedAt)',
    ProjectionExpression: 'connectionId, callbackUrl, expiresAt',
    ExpressionAttributeValues: {
      ':address': { S: address },
      ':now': number(nowSeconds),
      ...(range && { ':first': { S: range.first }, ':last': { S: range.last } }),
    },
    ...(limit !== undefined && { Limit: limit }),
  } satisfies Omit<QueryCommandInput, 'TableName'>;
}

function key(address: Address, connectionId: string): Item {
  return { address: { S: address }, connectionId: { S: connectionId } };
}

function toMapping(address: Address, item: Item): Mapping {
  return {
    address,
    connectionId: textOf(item, 'connectionId'),
    callbackUrl: textOf(item, 'callbackUrl'),
    expiresAt: numberOf(item, 'expiresAt'),
  };
}
