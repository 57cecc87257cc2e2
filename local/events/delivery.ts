import type { InvokeAsync, Log } from '../service.ts';
import type { EventBridgeEvent } from './put-events.ts';
import type { Rule, Target } from './rules.ts';

/** Delivers an event to each target of a rule. Lambda invokes functions asynchronously, and handles failures. */
export type Deliver = (rule: Rule, event: EventBridgeEvent) => void;

export function createDeliver({ log, invokeAsync }: { readonly log: Log; readonly invokeAsync: InvokeAsync }): Deliver {
  const toFunction = (rule: Rule, target: Target, payload: unknown) => {
    const source = { service: 'events.amazonaws.com', sourceArn: rule.arn };
    if (invokeAsync(target.arn, payload, source) === 'accepted') return;
    const message = 'An event is lost: the rule may not invoke its target';
    log({ level: 'error', source: `rule ${rule.name}`, message, detail: { function: target.arn } });
  };

  const toLogGroup = ({ arn }: Target, payload: unknown) => {
    const logGroup = arn.split(':log-group:')[1]?.replace(/:\*$/, '') ?? arn;
    log({ level: 'info', source: logGroup, message: JSON.stringify(payload) });
  };

  return (rule, event) => {
    for (const target of rule.targets) {
      const payload = target.transform(event);
      if (target.kind === 'function') toFunction(rule, target, payload);
      else toLogGroup(target, payload);
    }
  };
}
