import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Address, userAddress } from '../address.ts';
import { type Announcement, type Announcements, memorySeconds } from '../announcements.ts';
import { type Now, toSeconds } from '../clock.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';
import { writeConditionally } from './conditional-write.ts';
import { queryItems, readItems } from './read-items.ts';

/** What partition keys of states begin with. */
const STATE = 'state#';

/** What sort keys of announcements begin with: a user may be called like another item of the partition. */
const USER = 'user#';

/** How long a recheck that never came is remembered, in milliseconds. */
const RECHECK_MEMORY_MS = 24 * 3600 * 1000;

/**
 * Announcements in the connections table: partition key `state#{address}`, sort key `user#{userId}`; in the same partition,
 * under `recheck`, when the address is looked at again. Whoever is there is remembered until they go.
 */
export function createDynamoDbAnnouncements(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Announcements {
  const { client, tableName: TableName, now } = options;

  return {
    async read(address, userId) {
      const input = { TableName, Key: userKey(address, userId), ConsistentRead: true };
      const { Item } = await client.send(new GetItemCommand(input));
      return Item && toAnnouncement(Item);
    },

    async readUsers(userIds) {
      const keys = userIds.map((userId) => userKey(userAddress(userId), userId));
      return (await readItems(client, TableName, keys, { consistent: true })).map(toAnnouncement);
    },

    async online(address) {
      const items = queryItems(client, {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'address = :address AND begins_with(connectionId, :user)',
        FilterExpression: '#online = :true',
        ExpressionAttributeNames: { '#online': 'online' },
        ExpressionAttributeValues: {
          ':address': { S: stateAddress(address) },
          ':user': { S: USER },
          ':true': { BOOL: true },
        },
      });
      const announced: Announcement[] = [];
      for await (const item of items) announced.push(toAnnouncement(item));
      return announced;
    },

    announce(address, { userId, online, since }, before) {
      const expiry = number(toSeconds(now()) + memorySeconds(address));
      return writeConditionally(
        client,
        new UpdateItemCommand({
          TableName,
          Key: userKey(address, userId),
          ConditionExpression: before ? 'since = :before' : 'attribute_not_exists(since)',
          UpdateExpression: `SET #online = :online, since = :since${online ? ' REMOVE expiresAt' : ', expiresAt = :expiry'}`,
          ExpressionAttributeNames: { '#online': 'online' },
          ExpressionAttributeValues: {
            ':online': { BOOL: online },
            ':since': number(since),
            ...(before && { ':before': number(before.since) }),
            ...(!online && { ':expiry': expiry }),
          },
        }),
      );
    },

    async rechecks(addresses) {
      const items = await readItems(client, TableName, addresses.map(recheckKey), { consistent: true });
      return new Map(items.map((item) => [addressOf(item), numberOf(item, 'due')]));
    },

    async setRecheck(address, due, nowMs) {
      await writeConditionally(
        client,
        new UpdateItemCommand({
          TableName,
          Key: recheckKey(address),
          ConditionExpression: 'attribute_not_exists(due) OR due < :now',
          UpdateExpression: 'SET due = :due, expiresAt = :expiry',
          ExpressionAttributeValues: {
            ':due': number(due),
            ':now': number(nowMs),
            ':expiry': number(toSeconds(due + RECHECK_MEMORY_MS)),
          },
        }),
      );
    },

    takeRecheck(address, due, nowMs) {
      return writeConditionally(
        client,
        new DeleteItemCommand({
          TableName,
          Key: recheckKey(address),
          ConditionExpression: 'attribute_not_exists(due) OR due = :due OR due < :now',
          ExpressionAttributeValues: { ':due': number(due), ':now': number(nowMs) },
        }),
      );
    },
  };
}

/** The partition of what is known of an address. */
function stateAddress(address: Address): string {
  return `${STATE}${address}`;
}

function userKey(address: Address, userId: string): Item {
  return { address: { S: stateAddress(address) }, connectionId: { S: `${USER}${userId}` } };
}

function recheckKey(address: Address): Item {
  return { address: { S: stateAddress(address) }, connectionId: { S: 'recheck' } };
}

/** The address that an item of its partition is about. */
function addressOf(item: Item): Address {
  return textOf(item, 'address').slice(STATE.length) as Address;
}

function toAnnouncement(item: Item): Announcement {
  const userId = textOf(item, 'connectionId').slice(USER.length);
  return { userId, online: item['online']?.BOOL === true, since: numberOf(item, 'since') };
}
