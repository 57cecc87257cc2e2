import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { EXPIRY_MARGIN_SECONDS } from '../connections/directory.ts';
import { arrival, type Charge } from '../gate/rate-limit.ts';
import type { UserBudgets } from '../gate/user-budget.ts';
import { number } from './attributes.ts';
import { type ChargeInput, chargeInput, spendInput } from './charge-input.ts';
import { updateIf } from './conditional-write.ts';
import { keyOf } from './tables.ts';

/** User budgets in the connections table. */
export function createDynamoDbUserBudgets(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): UserBudgets {
  const { client, tableName: TableName, now } = options;

  /**
   * @param endsAtMs When the arrival time is past, in epoch milliseconds: from then on the item is not needed.
   * @returns the arrival time in the table, if the input assumed another one
   */
  async function take(userId: string, { condition, set, values }: ChargeInput, endsAtMs: number) {
    const { held, item } = await updateIf(client, condition, {
      TableName,
      Key: keyOf('budget', { user: userAddress(userId) }),
      UpdateExpression: `SET ${set}, expiresAt = :expiresAt`,
      values: { ...values, ':expiresAt': number(toSeconds(endsAtMs) + EXPIRY_MARGIN_SECONDS) },
    });
    return held ? undefined : Number(item?.['arrivesAt']?.N ?? 0);
  }

  async function charge(userId: string, wanted: Charge, arrivesAt = 0): Promise<number> {
    const nowMs = now();
    const { incrementMs, latestMs } = arrival(wanted, nowMs);
    if (arrivesAt > latestMs && arrivesAt > nowMs) return arrivesAt - latestMs;
    const input = chargeInput(wanted, arrivesAt > nowMs ? 'busy' : 'idle', nowMs);
    const found = await take(userId, input, Math.max(latestMs, nowMs) + incrementMs);
    return found === undefined ? 0 : charge(userId, wanted, found);
  }

  async function spend(userId: string, wanted: Charge, arrivesAt = 0): Promise<void> {
    const nowMs = now();
    const input = spendInput(wanted, arrivesAt > nowMs ? 'busy' : 'idle', nowMs);
    const found = await take(userId, input, Math.max(arrivesAt, nowMs) + arrival(wanted, nowMs).incrementMs);
    if (found !== undefined) await spend(userId, wanted, found);
  }

  return { charge: (userId, wanted) => charge(userId, wanted), spend: (userId, wanted) => spend(userId, wanted) };
}
