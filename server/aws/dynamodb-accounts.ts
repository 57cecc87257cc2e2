import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Accounts } from '../accounts.ts';
import { userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { arrival } from '../rate-limit.ts';
import { number } from './attributes.ts';
import { chargeInput, type Pace } from './charge-input.ts';

/** In the connections table, under the partition key `state#user#{user}` and the sort key `messages`. */
export function createDynamoDbAccounts(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Accounts {
  const { client, tableName: TableName, now } = options;

  return {
    charge: async function charge(userId, wanted, pace: Pace = 'idle'): Promise<number> {
      const nowMs = now();
      const { incrementMs, latestMs } = arrival(wanted, nowMs);
      const { condition, set, values } = chargeInput(wanted, pace, nowMs);
      // By then the arrival time is past, which says as much as no item does.
      const endsAt = Math.max(latestMs, nowMs) + incrementMs;
      const command = new UpdateItemCommand({
        TableName,
        Key: { address: { S: `state#${userAddress(userId)}` }, connectionId: { S: 'messages' } },
        ConditionExpression: condition,
        UpdateExpression: `SET ${set}, expiresAt = :expiresAt`,
        ExpressionAttributeValues: { ...values, ':expiresAt': number(toSeconds(endsAt) + 1) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        await client.send(command);
        return 0;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const arrivesAt = Number(error.Item?.['arrivesAt']?.N ?? 0);
        if (arrivesAt > latestMs && arrivesAt > nowMs) return arrivesAt - latestMs;
        return charge(userId, wanted, arrivesAt > nowMs ? 'busy' : 'idle');
      }
    },
  };
}
