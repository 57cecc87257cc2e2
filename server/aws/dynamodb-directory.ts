import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Address } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Directory, Mapping } from '../directory.ts';
import { EXPIRY_MARGIN_SECONDS } from '../expiry.ts';

/** The directory in a DynamoDB table with the partition key `address` and the sort key `connectionId`. */
export function createDynamoDbDirectory(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Directory {
  const { client, tableName: TableName, now } = options;

  return {
    async put({ address, connectionId, callbackUrl, userId, registeredAt, tokenExpiresAt, expiresAt }) {
      const Item = {
        address: { S: address },
        connectionId: { S: connectionId },
        callbackUrl: { S: callbackUrl },
        userId: { S: userId },
        registeredAt: number(registeredAt),
        lastSeenAt: number(registeredAt),
        tokenExpiresAt: number(tokenExpiresAt),
        expiresAt: number(expiresAt),
      };
      await client.send(new PutItemCommand({ TableName, Item }));
    },

    async find(address) {
      // Read before the directory: a mapping that expires while it is being read must not count as live.
      const nowSeconds = number(toSeconds(now()));
      const mappings: Mapping[] = [];
      const pages = paginateQuery(
        { client },
        {
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'address = :address',
          FilterExpression: 'expiresAt > :now',
          ProjectionExpression: 'connectionId, callbackUrl, expiresAt',
          ExpressionAttributeValues: { ':address': { S: address }, ':now': nowSeconds },
        },
      );
      for await (const { Items = [] } of pages) mappings.push(...Items.map((item) => toMapping(address, item)));
      return mappings;
    },

    async touch(address, connectionId, expiresAt) {
      const nowSeconds = toSeconds(now());
      try {
        await client.send(
          new UpdateItemCommand({
            TableName,
            Key: key(address, connectionId),
            ConditionExpression: 'expiresAt > :soon',
            UpdateExpression: 'SET lastSeenAt = :now, expiresAt = :expiresAt',
            ExpressionAttributeValues: {
              ':soon': number(nowSeconds + EXPIRY_MARGIN_SECONDS),
              ':now': number(nowSeconds),
              ':expiresAt': number(expiresAt),
            },
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },

    async remove(address, connectionId) {
      await client.send(new DeleteItemCommand({ TableName, Key: key(address, connectionId) }));
    },
  };
}

function key(address: Address, connectionId: string): Record<string, AttributeValue> {
  return { address: { S: address }, connectionId: { S: connectionId } };
}

function number(value: number): AttributeValue.NMember {
  return { N: String(value) };
}

function toMapping(address: Address, item: Record<string, AttributeValue>): Mapping {
  const { connectionId, callbackUrl, expiresAt } = item;
  if (!connectionId?.S || !callbackUrl?.S || !expiresAt?.N) {
    throw new Error(
      `The connections table holds an item that is no mapping, at ${address}: ${Object.keys(item).join(', ')}`,
    );
  }
  return { address, connectionId: connectionId.S, callbackUrl: callbackUrl.S, expiresAt: Number(expiresAt.N) };
}
