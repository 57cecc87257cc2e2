import { type Authorize, AwsError, type Principal } from '../service.ts';
import { requestKeys } from './condition-keys.ts';
import { match, type Statement } from './policy.ts';
import { principalArn } from './principal.ts';
import type { Roles } from './roles.ts';
import type { Usage } from './usage.ts';

/** One permission check, with its result. */
export interface Check {
  readonly principal: Principal;
  readonly action: string;
  readonly resourceArn: string;
  readonly allowed: boolean;
}

/** Services that answer a missing permission with 403. Those with a JSON protocol answer 400. */
const FORBIDDEN_WITH_403 = new Set(['lambda', 'execute-api', 'sts']);

/** Checks permissions as AWS does: an explicit Deny wins, and a call that no statement allows fails. */
export function createAuthorize(roles: Roles, usage: Usage, onCheck: (check: Check) => void): Authorize {
  return (principal, action, resourceArn, context = {}) => {
    if (principal.kind === 'admin') {
      onCheck({ principal, action, resourceArn, allowed: true });
      return;
    }
    const keys = requestKeys(principal, context);
    const applying = (effect: Statement['effect']) =>
      roles.byArn(principal.roleArn).policies.flatMap(({ statements }) =>
        statements.flatMap((statement) => {
          const found = statement.effect === effect ? match(statement, action, resourceArn, keys) : undefined;
          return found ? [{ statement, found }] : [];
        }),
      );
    const denied = applying('Deny').length > 0;
    const allowing = denied ? [] : applying('Allow');
    for (const { statement, found } of allowing) usage.used(statement, found);
    const allowed = allowing.length > 0;
    onCheck({ principal, action, resourceArn, allowed });
    if (allowed) return;
    usage.denied(principal, action, resourceArn);
    const reason = denied
      ? 'with an explicit deny in an identity-based policy'
      : `because no identity-based policy allows the ${action} action`;
    const message = `User: ${principalArn(principal)} is not authorized to perform: ${action} on resource: ${resourceArn} ${reason}`;
    const statusCode = FORBIDDEN_WITH_403.has(action.slice(0, action.indexOf(':'))) ? 403 : 400;
    throw new AwsError('AccessDeniedException', message, statusCode);
  };
}
