import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type Now, toSeconds } from '../clock.ts';
import type { UserState, UserStates } from '../user-state.ts';
import { type Item, number } from './attributes.ts';

/** The users' states in the connections table: partition key `state#{user}`, sort key `state`. */
export function createDynamoDbUserStates(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** A state is of no use once everything it speaks of has expired. */
  readonly retentionSeconds: number;
}): UserStates {
  const { client, tableName: TableName, now, retentionSeconds } = options;
  const expiry = () => number(toSeconds(now()) + retentionSeconds);

  /** @returns false, and nothing changed, where the condition does not hold */
  async function update(userId: string, input: Partial<UpdateItemCommandInput>): Promise<boolean> {
    try {
      await client.send(new UpdateItemCommand({ TableName, Key: key(userId), ...input }));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  return {
    async read(userId) {
      const { Item } = await client.send(new GetItemCommand({ TableName, Key: key(userId), ConsistentRead: true }));
      return Item ? toState(Item) : {};
    },

    async acknowledge(userId, cursor) {
      await update(userId, {
        ConditionExpression: 'attribute_not_exists(acknowledged) OR acknowledged < :cursor',
        UpdateExpression: 'SET acknowledged = :cursor, expiresAt = :expiry',
        ExpressionAttributeValues: { ':cursor': { S: cursor }, ':expiry': expiry() },
      });
    },

    async markLate(userId, serial) {
      const marked = { ':markedAt': number(now()), ':expiry': expiry() };
      const isEarliest = await update(userId, {
        ConditionExpression: 'attribute_not_exists(lateSerial) OR lateSerial > :serial',
        UpdateExpression: 'SET lateSerial = :serial, lateMarkedAt = :markedAt, expiresAt = :expiry',
        ExpressionAttributeValues: { ...marked, ':serial': { S: serial } },
      });
      if (isEarliest) return;
      await update(userId, {
        UpdateExpression: 'SET lateMarkedAt = :markedAt, expiresAt = :expiry',
        ExpressionAttributeValues: marked,
      });
    },
  };
}

function key(userId: string): Item {
  return { address: { S: `state#${userId}` }, connectionId: { S: 'state' } };
}

function toState({ acknowledged, lateSerial, lateMarkedAt }: Item): UserState {
  return {
    ...(acknowledged?.S && { cursor: acknowledged.S }),
    ...(lateSerial?.S && lateMarkedAt?.N && { late: { serial: lateSerial.S, markedAt: Number(lateMarkedAt.N) } }),
  };
}
