import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { MAX_BLOCKED_USERS, MAX_PAGE_USERS } from '../../protocol/index.ts';
import { type UserAddress, userAddress, userIdOf } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Inboxes, InboxKey, Load } from '../sending/inboxes.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';
import { updateIf } from './conditional-write.ts';
import { hasExpired, hasSpaceBeside } from './conditions.ts';
import { queryItems } from './read-items.ts';
import { keyOf, partitionOf } from './tables.ts';

/** Inboxes in the connections table. */
export function createDynamoDbInboxes(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** How long messages wait in an inbox, in seconds. */
  readonly retentionSeconds: number;
}): Inboxes {
  const { client, tableName: TableName, now, retentionSeconds } = options;
  const placeOfBlock = (key: InboxKey) => ({ TableName, Key: keyOf('block', addressesOf(key)) });

  const queryBlocks = (recipient: string, after = ''): QueryCommandInput => ({
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: 'address = :inbox AND connectionId > :after',
    ExpressionAttributeValues: {
      ':inbox': { S: partitionOf('block', { user: userAddress(recipient) }) },
      ':after': { S: userAddress(after) },
    },
  });

  return {
    async isBlocked(key) {
      const { Item } = await client.send(new GetItemCommand({ ...placeOfBlock(key), ConsistentRead: true }));
      return Item !== undefined;
    },

    async block(key) {
      let others = 0;
      for await (const item of queryItems(client, queryBlocks(key.recipient))) {
        if (senderOf(item) === key.sender) return true;
        others += 1;
      }
      if (others >= MAX_BLOCKED_USERS) return false;
      await client.send(
        new UpdateItemCommand({
          ...placeOfBlock(key),
          UpdateExpression: 'SET blockedAt = :now',
          ExpressionAttributeValues: { ':now': number(toSeconds(now())) },
        }),
      );
      return true;
    },

    async unblock(key) {
      await client.send(new DeleteItemCommand(placeOfBlock(key)));
    },

    async blocked(recipient, after) {
      const page = { ...queryBlocks(recipient, after), Limit: MAX_PAGE_USERS + 1 };
      const { Items = [] } = await client.send(new QueryCommand(page));
      return { users: Items.slice(0, MAX_PAGE_USERS).map(senderOf), more: Items.length > MAX_PAGE_USERS };
    },

    take: async function take(key, load, { most, cursor }): Promise<Load | undefined> {
      const nowMs = now();
      const nowSeconds = toSeconds(nowMs);
      const place = { TableName, Key: keyOf('waiting', { ...addressesOf(key), cursor }) };
      const values = {
        ':messages': number(load.messages),
        ':bytes': number(load.bytes),
        ':expiry': number(nowSeconds + retentionSeconds),
      };
      const { held, item = {} } = await updateIf(client, hasSpaceBeside(load, most), {
        ...place,
        UpdateExpression: 'SET expiresAt = :expiry ADD waiting :messages, waitingBytes :bytes',
        values,
      });
      if (held) return undefined;
      if (numberOf(item, 'expiresAt') > nowSeconds) {
        return { messages: numberOf(item, 'waiting'), bytes: numberOf(item, 'waitingBytes') };
      }
      const anew = await updateIf(client, hasExpired(nowMs), {
        ...place,
        UpdateExpression: 'SET expiresAt = :expiry, waiting = :messages, waitingBytes = :bytes',
        values,
      });
      return anew.held ? undefined : take(key, load, { most, cursor });
    },
  };
}

function addressesOf({ recipient, sender }: InboxKey) {
  return { user: userAddress(recipient), sender: userAddress(sender) };
}

function senderOf(item: Item): string {
  return userIdOf(textOf(item, 'connectionId') as UserAddress);
}
