import { FAULT_KINDS } from '../../local/fault-plan.ts';
import { createRandom } from '../../local/random.ts';

/** The average probability of each fault over the seeds, and its longest duration in machine milliseconds. */
const FAULTS: Readonly<Record<string, { readonly probability: number; readonly maxDelayMs?: number }>> = {
  'dynamodb/throttle': { probability: 0.02 },
  'dynamodb/error': { probability: 0.02 },
  'dynamodb/lost': { probability: 0.015 },
  'dynamodb/stale': { probability: 0.2, maxDelayMs: 200 },
  'post/throttle': { probability: 0.15 },
  'post/error': { probability: 0.18 },
  'post/hang': { probability: 0.15, maxDelayMs: 400 },
  'post/ghost': { probability: 0.2 },
  'post/false-gone': { probability: 0.1 },
  'lambda/crash-before': { probability: 0.06 },
  'lambda/crash-after': { probability: 0.08 },
  'lambda/slow': { probability: 0.08, maxDelayMs: 200 },
  'disconnect/drop': { probability: 0.5 },
  'disconnect/late': { probability: 0.7, maxDelayMs: 1000 },
  'socket/cut': { probability: 0.06 },
  'dispatch/reorder': { probability: 0.13, maxDelayMs: 300 },
  'sqs/duplicate': { probability: 0.2 },
  'sqs/late': { probability: 0.3, maxDelayMs: 500 },
};

/** The local cloud's option `faults`: see `readFaultPlan`. */
export interface FaultPlan {
  readonly seed: number;
  readonly rules: readonly FaultRule[];
}

interface FaultRule {
  readonly point: string;
  readonly kind: string;
  readonly probability: number;
  readonly maxDelayMs?: number;
}

export interface FaultPlanOptions {
  readonly seed: number;
  readonly timeScale: number;
}

/** A plan without faults. */
export const NO_FAULT_PLAN: FaultPlan = { seed: 0, rules: [] };

/**
 * Plans every fault that the local cloud knows, each between 0.5 and 1.5 times as likely as on average.
 * @throws Error that names a fault which the local cloud knows and this plan lacks
 */
export function faultPlanFor({ seed, timeScale }: FaultPlanOptions): FaultPlan {
  const random = createRandom(seed, 'fault plan');
  const rules = Object.entries(FAULT_KINDS).flatMap(([point, kinds]) =>
    kinds.map((kind): FaultRule => {
      const { probability, maxDelayMs } = usual(`${point}/${kind}`);
      return {
        point,
        kind,
        probability: Math.min(1, probability * (0.5 + random())),
        ...(maxDelayMs !== undefined && { maxDelayMs: maxDelayMs * timeScale }),
      };
    }),
  );
  return { seed, rules };
}

function usual(name: string) {
  const fault = FAULTS[name];
  if (!fault) throw new Error(`the chaos plan lacks the fault ${name} of the local cloud; add it to the plan`);
  return fault;
}
