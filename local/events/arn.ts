import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

const PREFIX = `arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}`;
const BUS_PREFIX = `${PREFIX}:event-bus/`;

export function eventBusArn(busName: string): string {
  return BUS_PREFIX + busName;
}

/** The API takes a bus's ARN wherever it takes the name. */
export function eventBusName(nameOrArn: string): string {
  return nameOrArn.startsWith(BUS_PREFIX) ? nameOrArn.slice(BUS_PREFIX.length) : nameOrArn;
}

/** Rules of the default bus are not under its name. */
export function ruleArn(busName: string, ruleName: string): string {
  return `${PREFIX}:rule/${busName === 'default' ? '' : `${busName}/`}${ruleName}`;
}
