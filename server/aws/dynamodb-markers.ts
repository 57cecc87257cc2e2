import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Markers } from '../../protocol/index.ts';
import { userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { MarkerKey, MarkerStore } from '../history/markers.ts';
import { type Item, number, textOf } from './attributes.ts';
import { updateIf } from './conditional-write.ts';
import { isBelow } from './conditions.ts';
import { readItems } from './read-items.ts';
import { keyOf } from './tables.ts';

/** Markers in the connections table. */
export function createDynamoDbMarkers(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** A marker is of no use once all messages up to it have expired. */
  readonly retentionSeconds: number;
}): MarkerStore {
  const { client, tableName: TableName, now, retentionSeconds } = options;

  return {
    async read(keys) {
      // DynamoDB refuses a key that comes twice in one call.
      const distinct = new Map(keys.map((key) => [nameOf(toKey(key)), toKey(key)]));
      const items = new Map(
        (await readItems(client, TableName, [...distinct.values()], { consistent: true })).map((item) => [
          nameOf(item),
          item,
        ]),
      );
      return keys.map((key) => toMarkers(items.get(nameOf(toKey(key))) ?? {}));
    },

    async move(key, marker, serial) {
      const { held, item } = await updateIf(client, isBelow('#marker', { S: serial }), {
        TableName,
        Key: toKey(key),
        UpdateExpression: 'SET #marker = :serial, expiresAt = :expiry',
        ExpressionAttributeNames: { '#marker': marker },
        values: { ':serial': { S: serial }, ':expiry': number(toSeconds(now()) + retentionSeconds) },
        ReturnValues: 'ALL_NEW',
      });
      return held ? toMarkers(item) : undefined;
    },
  };
}

function toKey({ userId, peer }: MarkerKey): Item {
  return keyOf('marker', { user: userAddress(userId), address: peer });
}

function nameOf(item: Item): string {
  return JSON.stringify([textOf(item, 'address'), textOf(item, 'connectionId')]);
}

function toMarkers({ received, read }: Item): Markers {
  return { ...(received?.S && { received: received.S }), ...(read?.S && { read: read.S }) };
}
