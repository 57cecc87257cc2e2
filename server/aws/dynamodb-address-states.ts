import {
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Address } from '../address.ts';
import type { AddressState, AddressStates } from '../address-state.ts';
import { type Now, toSeconds } from '../clock.ts';
import { type Item, number } from './attributes.ts';
import { writeConditionally } from './conditional-write.ts';

/** The states of addresses in the connections table: partition key `state#{address}`, sort key `state`. */
export function createDynamoDbAddressStates(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** A state is of no use once everything it speaks of has expired. */
  readonly retentionSeconds: number;
}): AddressStates {
  const { client, tableName: TableName, now, retentionSeconds } = options;
  const expiry = () => number(toSeconds(now()) + retentionSeconds);

  const update = (address: Address, input: Partial<UpdateItemCommandInput>) =>
    writeConditionally(client, new UpdateItemCommand({ TableName, Key: key(address), ...input }));

  return {
    async read(address) {
      const { Item } = await client.send(new GetItemCommand({ TableName, Key: key(address), ConsistentRead: true }));
      return Item ? toState(Item) : {};
    },

    async acknowledge(address, cursor) {
      await update(address, {
        ConditionExpression: 'attribute_not_exists(acknowledged) OR acknowledged < :cursor',
        UpdateExpression: 'SET acknowledged = :cursor, expiresAt = :expiry',
        ExpressionAttributeValues: { ':cursor': { S: cursor }, ':expiry': expiry() },
      });
    },

    async markLate(address, serial) {
      const marked = { ':markedAt': number(now()), ':expiry': expiry() };
      const isEarliest = await update(address, {
        ConditionExpression: 'attribute_not_exists(lateSerial) OR lateSerial > :serial',
        UpdateExpression: 'SET lateSerial = :serial, lateMarkedAt = :markedAt, expiresAt = :expiry',
        ExpressionAttributeValues: { ...marked, ':serial': { S: serial } },
      });
      if (isEarliest) return;
      await update(address, {
        UpdateExpression: 'SET lateMarkedAt = :markedAt, expiresAt = :expiry',
        ExpressionAttributeValues: marked,
      });
    },
  };
}

function key(address: Address): Item {
  return { address: { S: `state#${address}` }, connectionId: { S: 'state' } };
}

function toState({ acknowledged, lateSerial, lateMarkedAt }: Item): AddressState {
  return {
    ...(acknowledged?.S && { cursor: acknowledged.S }),
    ...(lateSerial?.S && lateMarkedAt?.N && { late: { serial: lateSerial.S, markedAt: Number(lateMarkedAt.N) } }),
  };
}
