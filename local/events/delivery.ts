import type { Clock } from '../clock.ts';
import type { InvocationResult, Invoke, Log } from '../service.ts';
import type { EventBridgeEvent } from './put-events.ts';
import type { Rule, Target } from './rules.ts';

// A function that fails is tried again twice, after 1 and 2 minutes:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const FAILURE_DELAYS_MS = [60_000, 120_000];

// One that cannot run now, for up to 6 hours, from 1 second to 5 minutes apart: same source.
const THROTTLE_DELAYS_MS = { first: 1000, longest: 300_000, total: 6 * 3_600_000 } as const;

export interface Delivery {
  /** Hands the event to each target of the rule, now and again until it is taken. Does not wait for that. */
  deliver(rule: Rule, event: EventBridgeEvent): void;
  /** Gives up what is waiting. Resolves when nothing runs any more. */
  close(): Promise<void>;
}

export function createDelivery(context: {
  readonly clock: Clock;
  readonly log: Log;
  readonly invoke: Invoke;
}): Delivery {
  const { clock, log, invoke } = context;
  const closing = new AbortController();
  const running = new Set<Promise<void>>();

  const toFunction = async (rule: Rule, target: Target, payload: unknown) => {
    const source = { service: 'events.amazonaws.com', sourceArn: rule.arn };
    const patience = createPatience();
    for (;;) {
      const result = await invoke(target.arn, payload, source);
      if (result.kind === 'ok') return;
      const delayMs = patience.delayAfter(result);
      const detail = { function: target.arn, outcome: result };
      if (delayMs === undefined) {
        log({ level: 'error', source: `rule ${rule.name}`, message: 'An event is lost: its target failed', detail });
        return;
      }
      log({ level: 'warn', source: `rule ${rule.name}`, message: `A target failed; again in ${delayMs} ms`, detail });
      await clock.sleep(delayMs, closing.signal);
      if (closing.signal.aborted) return;
    }
  };

  const toTarget = async (rule: Rule, target: Target, event: EventBridgeEvent) => {
    const payload = target.transform(event);
    if (target.kind === 'function') return toFunction(rule, target, payload);
    const logGroup = target.arn.split(':log-group:')[1]?.replace(/:\*$/, '') ?? target.arn;
    log({ level: 'info', source: logGroup, message: JSON.stringify(payload) });
  };

  return {
    deliver(rule, event) {
      for (const target of rule.targets) {
        const delivery = toTarget(rule, target, event)
          .catch((error: unknown) => log({ level: 'error', source: `rule ${rule.name}`, message: String(error) }))
          .finally(() => running.delete(delivery));
        running.add(delivery);
      }
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

/** How long to wait after each outcome; `undefined`: give up. */
function createPatience() {
  let failures = 0;
  let throttledMs = 0;
  let nextThrottleMs: number = THROTTLE_DELAYS_MS.first;
  return {
    delayAfter(result: InvocationResult): number | undefined {
      if (result.kind === 'denied') return undefined;
      if (result.kind !== 'throttled') return FAILURE_DELAYS_MS[failures++];
      if (throttledMs >= THROTTLE_DELAYS_MS.total) return undefined;
      const delayMs = nextThrottleMs;
      throttledMs += delayMs;
      nextThrottleMs = Math.min(delayMs * 2, THROTTLE_DELAYS_MS.longest);
      return delayMs;
    },
  };
}
