import { arrival, type Charge } from '../gate/rate-limit.ts';
import { type Item, number } from './attributes.ts';
import type { Condition } from './conditions.ts';

/** What a charge assumes of an item that it has not read: `idle` if the arrival time is past, else `busy`. */
export type Pace = 'idle' | 'busy';

/** The part of an update that charges a rate limit, kept as `arrivesAt`. */
export interface ChargeInput {
  readonly condition: Condition;
  /** An action of `SET`. */
  readonly set: string;
  /** The values of the action, beside those of the condition. */
  readonly values: Item;
}

/**
 * The part of an update that charges a rate limit. DynamoDB's updates cannot take the maximum of two numbers, so each
 * pace has an update of its own. Frames that come at once are counted one by one:
 *
 *     frame 1                 table                   frame 2
 *       |-- idle: now + 10 --->|                         |
 *       |                      |<--- idle: now + 10 -----|  refused: the arrival time is not past any more
 *       |                      |<--- busy: + 10 ---------|  now + 20
 */
export function chargeInput(charge: Charge, pace: Pace, nowMs: number): ChargeInput {
  const { latestMs } = arrival(charge, nowMs);
  return takeInput(charge, pace, nowMs, isWithinBurst(nowMs, latestMs));
}

/** The part of an update that charges a rate limit without a bound: the arrival time may become as late as it takes. */
export function spendInput(charge: Charge, pace: Pace, nowMs: number): ChargeInput {
  return takeInput(charge, pace, nowMs, isBusy(nowMs));
}

function takeInput(charge: Charge, pace: Pace, nowMs: number, ifBusy: Condition): ChargeInput {
  const { incrementMs } = arrival(charge, nowMs);
  if (pace === 'idle') {
    return {
      condition: isIdle(nowMs),
      set: 'arrivesAt = :arrivesAt',
      values: { ':arrivesAt': number(nowMs + incrementMs) },
    };
  }
  return {
    condition: ifBusy,
    set: 'arrivesAt = arrivesAt + :increment',
    values: { ':increment': number(incrementMs) },
  };
}

/** The arrival time is past: the whole burst is available. */
function isIdle(nowMs: number): Condition {
  return {
    expression: 'attribute_not_exists(arrivesAt) OR arrivesAt <= :idleSince',
    values: { ':idleSince': number(nowMs) },
  };
}

/** The arrival time is in the future. */
function isBusy(nowMs: number): Condition {
  return { expression: 'arrivesAt > :busyAt', values: { ':busyAt': number(nowMs) } };
}

/** The arrival time is in the future, and leaves space for the charge. */
function isWithinBurst(nowMs: number, latestMs: number): Condition {
  return {
    expression: 'arrivesAt BETWEEN :burstFrom AND :burstTo',
    values: { ':burstFrom': number(nowMs), ':burstTo': number(latestMs) },
  };
}
