import type { Principal } from '../service.ts';
import type { Match, Statement } from './policy.ts';
import { roleName } from './principal.ts';
import type { Roles } from './roles.ts';

/** A denied call, and its number. */
export interface DeniedCall {
  readonly role: string;
  /** The session's name: for a function, the function's name. */
  readonly session: string;
  readonly action: string;
  readonly resource: string;
  readonly count: number;
}

/** The unused actions and resources of one statement. */
export interface UnusedGrant {
  readonly role: string;
  readonly policy: string;
  readonly sid?: string;
  /** Action patterns that no allowed call matched. */
  readonly actions: readonly string[];
  /** Resource patterns that no allowed call matched. */
  readonly resources: readonly string[];
}

/** The content of `GET /_local/iam`. */
export interface IamReport {
  readonly denied: readonly DeniedCall[];
  readonly unused: readonly UnusedGrant[];
  /** Grants for services that do not run here, whose usage is unknown. */
  readonly unchecked: readonly UnusedGrant[];
}

/** Records which permissions calls need. */
export interface Usage {
  used(statement: Statement, match: Match): void;
  denied(principal: Principal & { readonly kind: 'role' }, action: string, resourceArn: string): void;
  /** @param services the prefixes of the actions that run here: `dynamodb`, `sqs`… */
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
      const unused: UnusedGrant[] = [];
      const unchecked: UnusedGrant[] = [];
      for (const { statement, ...place } of ownGrants(roles)) {
        const { checked, foreign } = actionsOf(statement, services);
        const resources = sources(statement.resources);
        if (foreign.length > 0) unchecked.push({ ...place, actions: foreign, resources });
        if (checked.length === 0 && foreign.length > 0) continue;
        const known = used.get(statement);
        const idle = {
          actions: checked.filter((action) => !known?.actions.has(action)),
          resources: resources.filter((resource) => !known?.resources.has(resource)),
        };
        if (idle.actions.length + idle.resources.length > 0) unused.push({ ...place, ...idle });
      }
      return { denied: [...denied.values()], unused, unchecked };
    },
  };
}

/** Returns the Allow statements of the application itself. */
function ownGrants(roles: Roles) {
  return roles.all().flatMap((role) =>
    role.policies.flatMap(({ name, awsManaged, statements }) =>
      statements
        .filter(({ effect }) => effect === 'Allow' && !awsManaged)
        .map((statement) => {
          const sid = statement.sid === undefined ? {} : { sid: statement.sid };
          return { role: role.name, policy: name, ...sid, statement };
        }),
    ),
  );
}

/** Splits a statement's action patterns: those of services that run here, and the others. */
function actionsOf({ actions }: Statement, services: ReadonlySet<string>) {
  const all = sources(actions);
  const foreign = all.filter((action) => !isChecked(action, services));
  return { checked: all.filter((action) => !foreign.includes(action)), foreign };
}

/** Returns the patterns of a statement. `NotAction` and `NotResource` have none that a call could use. */
function sources({ negated, patterns }: Statement['actions'] | Statement['resources']): readonly string[] {
  return negated ? [] : patterns.map(({ source }) => source);
}

function isChecked(action: string, services: ReadonlySet<string>): boolean {
  return action === '*' || services.has(action.slice(0, action.indexOf(':')));
}
