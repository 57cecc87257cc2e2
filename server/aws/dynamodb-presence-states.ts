import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { type UserAddress, userAddress, userIdOf } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { memorySeconds, type PresenceState, type PresenceStates } from '../presence/presence-state.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';
import { deleteIf, updateIf } from './conditional-write.ts';
import { isDue, isNotAwaited, isStillAnnounced } from './conditions.ts';
import { queryItems, readItems } from './read-items.ts';
import { keyOf, partitionOf, presenceStateKey } from './tables.ts';

/** How long a sweep that never ran is remembered, in milliseconds. */
const SWEEP_MEMORY_MS = 24 * 3600 * 1000;

/** Presence states and sweeps in the connections table. The state of a present user does not expire. */
export function createDynamoDbPresenceStates(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): PresenceStates {
  const { client, tableName: TableName, now } = options;

  return {
    async read(address, userId) {
      const input = { TableName, Key: presenceStateKey(address, userId), ConsistentRead: true };
      const { Item } = await client.send(new GetItemCommand(input));
      return Item && toPresenceState(Item);
    },

    async readUsers(userIds) {
      const keys = userIds.map((userId) => presenceStateKey(userAddress(userId), userId));
      return (await readItems(client, TableName, keys, { consistent: true })).map(toPresenceState);
    },

    async online(address) {
      const items = queryItems(client, {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'address = :address AND begins_with(connectionId, :user)',
        FilterExpression: '#online = :true',
        ExpressionAttributeNames: { '#online': 'online' },
        ExpressionAttributeValues: {
          ':address': { S: partitionOf('state', { address }) },
          ':user': { S: userAddress('') },
          ':true': { BOOL: true },
        },
      });
      const announced: PresenceState[] = [];
      for await (const item of items) announced.push(toPresenceState(item));
      return announced;
    },

    async announce(address, { userId, online, sinceMs }, before) {
      const expiry = number(toSeconds(now()) + memorySeconds(address));
      const { held } = await updateIf(client, isStillAnnounced(before), {
        TableName,
        Key: presenceStateKey(address, userId),
        UpdateExpression: `SET #online = :online, since = :since${online ? ' REMOVE expiresAt' : ', expiresAt = :expiry'}`,
        ExpressionAttributeNames: { '#online': 'online' },
        values: { ':online': { BOOL: online }, ':since': number(sinceMs), ...(!online && { ':expiry': expiry }) },
      });
      return held;
    },

    async sweeps(addresses) {
      const byPartition = new Map(addresses.map((address) => [partitionOf('sweep', { address }), address]));
      const keys = [...byPartition.values()].map((address) => keyOf('sweep', { address }));
      const items = await readItems(client, TableName, keys, { consistent: true });
      return new Map(
        items.flatMap((item) => {
          const address = byPartition.get(textOf(item, 'address'));
          return address === undefined ? [] : [[address, numberOf(item, 'due')]];
        }),
      );
    },

    async setSweep(address, due, nowMs) {
      await updateIf(client, isNotAwaited(nowMs), {
        TableName,
        Key: keyOf('sweep', { address }),
        UpdateExpression: 'SET due = :due, expiresAt = :expiry',
        values: { ':due': number(due), ':expiry': number(toSeconds(due + SWEEP_MEMORY_MS)) },
      });
    },

    async takeSweep(address, due, nowMs) {
      const input = { TableName, Key: keyOf('sweep', { address }) };
      return (await deleteIf(client, isDue(due, nowMs), input)).held;
    },
  };
}

function toPresenceState(item: Item): PresenceState {
  const userId = userIdOf(textOf(item, 'connectionId') as UserAddress);
  return { userId, online: item['online']?.BOOL === true, sinceMs: numberOf(item, 'since') };
}
