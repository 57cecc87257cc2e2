import {
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Shown } from '../../protocol/index.ts';
import type { Address } from '../address.ts';
import type { AddressState, AddressStates } from '../address-state.ts';
import { type Now, toSeconds } from '../clock.ts';
import { type Item, number } from './attributes.ts';
import { writeConditionally } from './conditional-write.ts';

/**
 * The states of addresses in the connections table: partition key `state#{address}`, sort key `state`. What was shown is an
 * item beside it, because a ping that acknowledges nothing new pays for the size of the item that it does not change.
 */
export function createDynamoDbAddressStates(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** A state is of no use once everything it speaks of has expired. */
  readonly retentionSeconds: number;
}): AddressStates {
  const { client, tableName: TableName, now, retentionSeconds } = options;
  const expiry = () => number(toSeconds(now()) + retentionSeconds);

  const get = async (Key: Item) =>
    (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item ?? {};
  const update = (Key: Item, input: Partial<UpdateItemCommandInput>) =>
    writeConditionally(client, new UpdateItemCommand({ TableName, Key, ...input }));

  return {
    read: async (address) => toState(await get(key(address))),

    async acknowledge(address, cursor) {
      await update(key(address), {
        ConditionExpression: 'attribute_not_exists(acknowledged) OR acknowledged < :cursor',
        UpdateExpression: 'SET acknowledged = :cursor, expiresAt = :expiry',
        ExpressionAttributeValues: { ':cursor': { S: cursor }, ':expiry': expiry() },
      });
    },

    async keepShown(address, cursor, shown) {
      await update(key(address, 'shown'), {
        // Also an equal one: it has been told of more since.
        ConditionExpression: 'attribute_not_exists(acknowledged) OR acknowledged <= :cursor',
        UpdateExpression: 'SET acknowledged = :cursor, shown = :shown, expiresAt = :expiry',
        ExpressionAttributeValues: {
          ':cursor': { S: cursor },
          ':shown': { S: JSON.stringify(shown) },
          ':expiry': expiry(),
        },
      });
    },

    async readShown(address) {
      const { shown } = await get(key(address, 'shown'));
      return shown?.S === undefined ? [] : (JSON.parse(shown.S) as readonly Shown[]);
    },

    async markLate(address, serial) {
      const marked = { ':markedAt': number(now()), ':expiry': expiry() };
      const isEarliest = await update(key(address), {
        ConditionExpression: 'attribute_not_exists(lateSerial) OR lateSerial > :serial',
        UpdateExpression: 'SET lateSerial = :serial, lateMarkedAt = :markedAt, expiresAt = :expiry',
        ExpressionAttributeValues: { ...marked, ':serial': { S: serial } },
      });
      if (isEarliest) return;
      await update(key(address), {
        UpdateExpression: 'SET lateMarkedAt = :markedAt, expiresAt = :expiry',
        ExpressionAttributeValues: marked,
      });
    },
  };
}

function key(address: Address, kind: 'state' | 'shown' = 'state'): Item {
  return { address: { S: `state#${address}` }, connectionId: { S: kind } };
}

function toState({ acknowledged, lateSerial, lateMarkedAt }: Item): AddressState {
  return {
    ...(acknowledged?.S && { cursor: acknowledged.S }),
    ...(lateSerial?.S && lateMarkedAt?.N && { late: { serial: lateSerial.S, markedAt: Number(lateMarkedAt.N) } }),
  };
}
