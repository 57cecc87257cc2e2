import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Accounts } from '../accounts.ts';
import { userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { arrival } from '../rate-limit.ts';
import { number } from './attributes.ts';
import { chargeInput, type Pace } from './charge-input.ts';
import { updateIf } from './conditional-write.ts';
import { keyOf } from './tables.ts';

/** User budgets in the connections table. */
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
      const { held, item } = await updateIf(client, condition, {
        TableName,
        Key: keyOf('budget', { user: userAddress(userId) }),
        UpdateExpression: `SET ${set}, expiresAt = :expiresAt`,
        values: { ...values, ':expiresAt': number(toSeconds(endsAt) + 1) },
      });
      if (held) return 0;
      const arrivesAt = Number(item?.['arrivesAt']?.N ?? 0);
      if (arrivesAt > latestMs && arrivesAt > nowMs) return arrivesAt - latestMs;
      return charge(userId, wanted, arrivesAt > nowMs ? 'busy' : 'idle');
    },
  };
}
