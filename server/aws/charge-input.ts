import { arrival, type Charge } from '../rate-limit.ts';
import { type Item, number } from './attributes.ts';

/** What a charge takes for granted of an item that it has not read: whether the arrival time is past. */
export type Pace = 'idle' | 'busy';

/** The part of an update that charges a rate limit, kept as `arrivesAt`. */
export interface ChargeInput {
  readonly condition: string;
  /** An action of `SET`. */
  readonly set: string;
  readonly values: Item;
}

/** An update has no maximum of two numbers, so there is one for each pace. */
export function chargeInput(charge: Charge, pace: Pace, nowMs: number): ChargeInput {
  const { incrementMs, latestMs } = arrival(charge, nowMs);
  if (pace === 'idle') {
    return {
      condition: '(attribute_not_exists(arrivesAt) OR arrivesAt <= :nowMs)',
      set: 'arrivesAt = :arrivesAt',
      values: { ':nowMs': number(nowMs), ':arrivesAt': number(nowMs + incrementMs) },
    };
  }
  return {
    condition: 'arrivesAt BETWEEN :nowMs AND :latest',
    set: 'arrivesAt = arrivesAt + :increment',
    values: { ':nowMs': number(nowMs), ':latest': number(latestMs), ':increment': number(incrementMs) },
  };
}
