import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { UserAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import {
  EXPIRY_MARGIN_SECONDS,
  type Touched,
  type TouchOptions,
  type TouchOutcome,
  type TouchRefusal,
} from '../connections/directory.ts';
import { arrival, type Charge } from '../gate/rate-limit.ts';
import { type Item, number, numberOf } from './attributes.ts';
import { chargeInput, type Pace } from './charge-input.ts';
import { updateIf } from './conditional-write.ts';
import { all, type Condition, isLive } from './conditions.ts';
import { keyOf } from './tables.ts';

/**
 * The write that every frame makes. One write in the usual case, in which the sender has paused. Otherwise the item
 * tells so, and the next attempt uses its values.
 */
export function createDynamoDbTouch(options: {
  readonly client: DynamoDBClient;
  readonly TableName: string;
  readonly now: Now;
}) {
  const { client, TableName, now } = options;

  return async function touch(
    user: UserAddress,
    connectionId: string,
    options: TouchOptions,
    pace: Pace = 'idle',
  ): Promise<TouchOutcome> {
    const nowMs = now();
    const { expiresAt, charge } = options;
    const charging = charge && connectionCharge(charge, pace, nowMs);
    const { held, item } = await updateIf(client, all(isLive(nowMs), ...(charging ? [charging.condition] : [])), {
      TableName,
      Key: keyOf('connection', { user, connectionId }),
      UpdateExpression: `SET ${['lastSeenAt = :now, expiresAt = :expiresAt', ...(charging?.sets ?? [])].join(', ')}`,
      values: { ':now': number(toSeconds(nowMs)), ':expiresAt': number(expiresAt), ...charging?.values },
      ReturnValues: 'ALL_NEW',
    });
    if (held) return toTouched(item);
    const refusal = refusalOf(item, options, nowMs);
    return refusal ?? touch(user, connectionId, options, arrivalOf(item) > nowMs ? 'busy' : 'idle');
  };
}

/** The part of an update of a connection's mapping that charges it. */
export function connectionCharge(charge: Charge, pace: Pace, nowMs: number) {
  const { condition, set, values } = chargeInput(charge, pace, nowMs);
  return {
    condition,
    sets: [set, 'charged = if_not_exists(charged, :none) + :cost'],
    values: { ...values, ':cost': number(charge.cost), ':none': number(0) },
  } satisfies { condition: Condition; sets: readonly string[]; values: Item };
}

function toTouched(item: Item): Touched {
  return {
    tokenExpiresAt: numberOf(item, 'tokenExpiresAt'),
    // Without a hash, the connection is registered with a capability that nobody knows.
    capabilityHash: item['capabilityHash']?.S ?? '',
    charged: chargedOf(item),
  };
}

/** What a connection has been charged in all. */
export function chargedOf(item: Item): number {
  return Number(item['charged']?.N ?? 0);
}

/** Why a touch has failed; `undefined` if it only assumed the wrong pace. */
function refusalOf(item: Item | undefined, { charge }: TouchOptions, nowMs: number): TouchRefusal | undefined {
  const soonSeconds = toSeconds(nowMs) + EXPIRY_MARGIN_SECONDS;
  if (!item || item['removedAt']) return { refused: 'not_registered' };
  if (numberOf(item, 'tokenExpiresAt') <= soonSeconds) return { refused: 'token_expired' };
  if (numberOf(item, 'expiresAt') <= soonSeconds) return { refused: 'not_registered' };
  return charge && chargeRefusal(item, charge, nowMs);
}

/** Why a connection cannot be charged; `undefined` if the charge only assumed the wrong pace. */
export function chargeRefusal(item: Item, charge: Charge, nowMs: number) {
  const arrivesAt = arrivalOf(item);
  const lateMs = arrivesAt - arrival(charge, nowMs).latestMs;
  if (arrivesAt <= nowMs || lateMs <= 0) return undefined;
  return { refused: 'rate_limited', retryAfterMs: lateMs } as const;
}

/** When the connection will have been idle for as long as its frames take at its rate, epoch milliseconds. */
export function arrivalOf(item: Item | undefined): number {
  return Number(item?.['arrivesAt']?.N ?? 0);
}
