import type { Clock } from './clock.ts';
import { FAULT_KINDS, type FaultPoint, type FaultRule, readFaultPlan } from './fault-plan.ts';
import { ownField } from './json.ts';
import { createRandom } from './random.ts';
import type { Log } from './service.ts';
import { matchesWildcard } from './wildcard.ts';

export type { FaultPoint } from './fault-plan.ts';

/** The operation that a fault may strike: `{ operation: 'PutItem', table: '…' }`. */
export type FaultSubject = Readonly<Record<string, string>>;

export interface Fault {
  readonly kind: string;
  readonly delayMs: number;
}

/** Decides, from a seed, whether a fault strikes. It logs every fault. */
export interface Faults {
  /**
   * `subject` describes the operation, for rules and for the log. `kinds` lists the kinds that can strike, if the point has
   * more.
   */
  strike(point: FaultPoint, subject: FaultSubject, kinds?: readonly string[]): Fault | undefined;
}

/** No faults. */
export const NO_FAULTS: Faults = { strike: () => undefined };

export interface StruckFault extends Fault {
  /** Epoch milliseconds, in cloud time. */
  readonly at: number;
  readonly point: FaultPoint;
  readonly subject: FaultSubject;
}

export interface PlannedFaults extends Faults {
  /** The faults so far, oldest first: the last {@link MAX_LOGGED}. */
  log(): readonly StruckFault[];
  /** The number of faults by `point/kind`: `{ 'dynamodb/throttle': 3 }`. */
  counts(): Readonly<Record<string, number>>;
}

export const MAX_LOGGED = 10_000;

/**
 * Injects faults by a plan, which {@link readFaultPlan} describes. The same plan makes the same decisions for the same
 * sequence of subjects, and a rule's decisions do not depend on the other rules. If several rules strike at once, the first
 * in the plan wins.
 * @throws Error naming the wrong field of the plan and the expected value
 */
export function createFaults(
  plan: unknown,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): PlannedFaults {
  const { seed, rules } = readFaultPlan(plan);
  const startedAt = clock.now();
  const deciders = createDeciders(seed, rules);
  const struck: StruckFault[] = [];
  const counts: Record<string, number> = {};
  return {
    strike(point, subject, kinds = FAULT_KINDS[point]) {
      const at = clock.now();
      const inPlay = deciders.filter(
        ({ rule }) => rule.point === point && kinds.includes(rule.kind) && applies(rule, subject, at - startedAt),
      );
      // Each rule draws, even if another one strikes first. So no rule shifts another's numbers.
      const [first] = inPlay.map((decider) => ({ decider, delayMs: decider.draw() })).filter(hasStruck);
      if (!first) return undefined;
      first.decider.strikes += 1;
      const { kind } = first.decider.rule;
      const { delayMs } = first;
      struck.push({ at, point, kind, delayMs, subject });
      if (struck.length > MAX_LOGGED) struck.shift();
      counts[`${point}/${kind}`] = (counts[`${point}/${kind}`] ?? 0) + 1;
      log({ level: 'info', source: 'faults', message: `${point}: ${kind}`, detail: { delayMs, ...subject } });
      return { kind, delayMs };
    },
    log: () => [...struck],
    counts: () => ({ ...counts }),
  };
}

interface Decider {
  readonly rule: FaultRule;
  strikes: number;
  /** Returns the delay of the fault that strikes, or `undefined` if none does. */
  draw(): number | undefined;
}

interface Decision {
  readonly decider: Decider;
  readonly delayMs: number | undefined;
}

function hasStruck(decision: Decision): decision is Decision & { readonly delayMs: number } {
  const { limit } = decision.decider.rule;
  return decision.delayMs !== undefined && (limit === undefined || decision.decider.strikes < limit);
}

/** Names a rule's stream of random numbers after its content, not after its place in the plan. */
function createDeciders(seed: number, rules: readonly FaultRule[]): Decider[] {
  const twins = new Map<string, number>();
  return rules.map((rule) => {
    const name = JSON.stringify(rule);
    const twin = twins.get(name) ?? 0;
    twins.set(name, twin + 1);
    const random = createRandom(seed, `${name}#${twin}`);
    const draw = () => {
      const [chance, spread] = [random(), random()];
      if (chance >= rule.probability) return undefined;
      return Math.round(rule.minDelayMs + spread * (rule.maxDelayMs - rule.minDelayMs));
    };
    return { rule, strikes: 0, draw };
  });
}

function applies(rule: FaultRule, subject: FaultSubject, elapsedMs: number): boolean {
  if (elapsedMs < rule.afterMs || elapsedMs >= (rule.untilMs ?? Number.POSITIVE_INFINITY)) return false;
  return Object.entries(rule.match).every(([name, pattern]) => {
    const value = ownField(subject, name);
    return typeof value === 'string' && matchesWildcard(pattern, value);
  });
}
