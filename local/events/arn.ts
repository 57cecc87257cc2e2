import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

const PREFIX = `arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}`;
const BUS_PREFIX = `${PREFIX}:event-bus/`;

export function eventBusArn(busName: string): string {
  return BUS_PREFIX + busName;
}

/** Reads the name of a bus. The API accepts the ARN in the same places. */
export function eventBusName(nameOrArn: string): string {
  return nameOrArn.startsWith(BUS_PREFIX) ? nameOrArn.slice(BUS_PREFIX.length) : nameOrArn;
}

/** Returns a rule's ARN. Those of the default bus do not contain its name. */
export function ruleArn(busName: string, ruleName: string): string {
  return `${PREFIX}:rule/${busName === 'default' ? '' : `${busName}/`}${ruleName}`;
}
