import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Shown } from '../../protocol/index.ts';
import type { Address } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { AddressState, AddressStates } from '../connections/address-state.ts';
import { type Item, number } from './attributes.ts';
import { updateIf } from './conditional-write.ts';
import { isAbove, isBelow, isNotAbove } from './conditions.ts';
import { keyOf } from './tables.ts';

/**
 * The states of addresses in the connections table. `shown` is an item of its own: otherwise a ping that acknowledges
 * nothing new would pay for the size of the whole item.
 */
export function createDynamoDbAddressStates(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** A state is of no use once the messages that it describes have expired. */
  readonly retentionSeconds: number;
}): AddressStates {
  const { client, tableName: TableName, now, retentionSeconds } = options;
  const place = (address: Address, kind: 'state' | 'shown' = 'state') => ({ TableName, Key: keyOf(kind, { address }) });
  const expiry = () => number(toSeconds(now()) + retentionSeconds);
  const get = async (address: Address, kind?: 'shown') =>
    (await client.send(new GetItemCommand({ ...place(address, kind), ConsistentRead: true }))).Item ?? {};

  return {
    read: async (address) => toState(await get(address)),

    async acknowledge(address, cursor) {
      await updateIf(client, isBelow('acknowledged', { S: cursor }), {
        ...place(address),
        UpdateExpression: 'SET acknowledged = :cursor, expiresAt = :expiry',
        values: { ':cursor': { S: cursor }, ':expiry': expiry() },
      });
    },

    async keepShown(address, cursor, shown) {
      // An equal cursor too: the device has handed over more since.
      await updateIf(client, isNotAbove('acknowledged', { S: cursor }), {
        ...place(address, 'shown'),
        UpdateExpression: 'SET acknowledged = :cursor, shown = :shown, expiresAt = :expiry',
        values: { ':cursor': { S: cursor }, ':shown': { S: JSON.stringify(shown) }, ':expiry': expiry() },
      });
    },

    async readShown(address) {
      const { shown } = await get(address, 'shown');
      return shown?.S === undefined ? [] : (JSON.parse(shown.S) as readonly Shown[]);
    },

    async markLate(address, serial) {
      const marked = { ':markedAt': number(now()), ':expiry': expiry() };
      const { held: isEarliest } = await updateIf(client, isAbove('lateSerial', { S: serial }), {
        ...place(address),
        UpdateExpression: 'SET lateSerial = :serial, lateMarkedAt = :markedAt, expiresAt = :expiry',
        values: { ...marked, ':serial': { S: serial } },
      });
      if (isEarliest) return;
      await client.send(
        new UpdateItemCommand({
          ...place(address),
          UpdateExpression: 'SET lateMarkedAt = :markedAt, expiresAt = :expiry',
          ExpressionAttributeValues: marked,
        }),
      );
    },
  };
}

function toState({ acknowledged, lateSerial, lateMarkedAt }: Item): AddressState {
  return {
    ...(acknowledged?.S && { cursor: acknowledged.S }),
    ...(lateSerial?.S && lateMarkedAt?.N && { late: { serial: lateSerial.S, markedAt: Number(lateMarkedAt.N) } }),
  };
}
