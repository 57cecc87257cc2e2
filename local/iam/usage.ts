import type { Principal } from '../service.ts';
import type { Match, Statement } from './policy.ts';
import { roleName } from './principal.ts';
import type { Roles } from './roles.ts';

/** A call that was refused, and how often. */
export interface DeniedCall {
  readonly role: string;
  /** The session's name; a function's is the function's name. */
  readonly session: string;
  readonly action: string;
  readonly resource: string;
  readonly count: number;
}

/** What one statement allows in its list of actions and resources, and no call has made use of. */
export interface UnusedGrant {
  readonly role: string;
  readonly policy: string;
  readonly sid?: string;
  /** Action patterns that no allowed call matched. */
  readonly actions: readonly string[];
  /** Resource patterns that no allowed call matched. */
  readonly resources: readonly string[];
}

/** What `GET /_local/iam` shows. */
export interface IamReport {
  readonly denied: readonly DeniedCall[];
  readonly unused: readonly UnusedGrant[];
  /** Grants for services that do not run here, so that nothing can be said about them. */
  readonly unchecked: readonly UnusedGrant[];
}

/** Keeps account of which permissions are needed, and which are not. */
export interface Usage {
  used(statement: Statement, match: Match): void;
  denied(principal: Principal & { readonly kind: 'role' }, action: string, resourceArn: string): void;
  /** `services` are the prefixes of the actions that can be checked here: `dynamodb`, `sqs`… */
  report(roles: Roles, services: ReadonlySet<string>): IamReport;
}

export function createUsage(): Usage {
  const used = new WeakMap<Statement, { readonly actions: Set<string>; readonly resources: Set<string> }>();
  const denied = new Map<string, DeniedCall>();
  return {
    used(statement, match) {
      const known = used.get(statement) ?? { actions: new Set(), resources: new Set() };
      for (const action of match.actions) known.actions.add(action);
      for (const resource of match.resources) known.resources.add(resource);
      used.set(statement, known);
    },
    denied(principal, action, resource) {
      const call = { role: roleName(principal.roleArn), session: principal.sessionName, action, resource };
      const key = Object.values(call).join('\n');
      denied.set(key, { ...call, count: (denied.get(key)?.count ?? 0) + 1 });
    },
    report(roles, services) {
      const grants = roles
        .all()
        .flatMap((role) =>
          role.policies
            .filter((policy) => !policy.awsManaged)
            .flatMap((policy) =>
              policy.statements
                .filter(({ effect }) => effect === 'Allow')
                .map((statement) => ({ role: role.name, policy: policy.name, statement, known: used.get(statement) })),
            ),
        );
      const unused: UnusedGrant[] = [];
      const unchecked: UnusedGrant[] = [];
      for (const { role, policy, statement, known } of grants) {
        const place = { role, policy, ...(statement.sid === undefined ? {} : { sid: statement.sid }) };
        const all = statement.actions.negated ? [] : statement.actions.patterns.map(({ source }) => source);
        const foreign = all.filter((action) => !isChecked(action, services));
        const resources = statement.resources.negated ? [] : statement.resources.patterns.map(({ source }) => source);
        if (foreign.length > 0) unchecked.push({ ...place, actions: foreign, resources });
        if (foreign.length === all.length && all.length > 0) continue;
        const idle = {
          actions: all.filter((action) => !foreign.includes(action) && !known?.actions.has(action)),
          resources: resources.filter((resource) => !known?.resources.has(resource)),
        };
        if (idle.actions.length + idle.resources.length > 0) unused.push({ ...place, ...idle });
      }
      return { denied: [...denied.values()], unused, unchecked };
    },
  };
}

function isChecked(action: string, services: ReadonlySet<string>): boolean {
  return action === '*' || services.has(action.slice(0, action.indexOf(':')));
}
