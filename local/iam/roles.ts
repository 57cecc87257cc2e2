import { AwsError } from '../service.ts';
import type { Statement } from './policy.ts';

/** One policy as it is attached to a role. */
export interface AttachedPolicy {
  readonly name: string;
  /** A policy of AWS's own: its permissions are no decision of the application. */
  readonly awsManaged: boolean;
  readonly statements: readonly Statement[];
}

export interface Role {
  readonly name: string;
  readonly arn: string;
  /** The services that may assume it, e.g. `lambda.amazonaws.com`. */
  readonly trustedServices: readonly string[];
  readonly policies: readonly AttachedPolicy[];
}

export interface Roles {
  add(role: Role): void;
  /** Throws when no role has that name: a policy cannot be attached to one outside of the application. */
  attach(roleName: string, policy: AttachedPolicy): void;
  /** Throws `NoSuchEntity`. */
  byArn(arn: string): Role;
  /** Throws `NoSuchEntity`, or `AccessDenied` when the role does not trust the service. */
  requireTrust(arn: string, service: string): void;
  all(): readonly Role[];
}

export function createRoles(): Roles {
  const roles = new Map<string, Role>();
  const byArn = (arn: string): Role => {
    for (const role of roles.values()) if (role.arn === arn) return role;
    const message = `The role with ARN ${arn} cannot be found: it is not part of the application.`;
    throw new AwsError('NoSuchEntity', message, 404);
  };
  return {
    add(role) {
      if (roles.has(role.name)) throw new Error(`there is a role named ${role.name} already`);
      roles.set(role.name, { ...role, policies: role.policies.map(own) });
    },
    attach(roleName, policy) {
      const role = roles.get(roleName);
      if (!role)
        throw new Error(`cannot attach ${policy.name} to the role ${roleName}, which is not part of the application`);
      roles.set(roleName, { ...role, policies: [...role.policies, own(policy)] });
    },
    byArn,
    requireTrust(arn, service) {
      if (byArn(arn).trustedServices.includes(service)) return;
      const message = `The role ${arn} cannot be assumed by ${service}: its trust policy does not allow it.`;
      throw new AwsError('AccessDenied', message, 403);
    },
    all: () => [...roles.values()],
  };
}

/** A copy of its own for each role: what is used of a policy that several roles share is counted role by role. */
function own(policy: AttachedPolicy): AttachedPolicy {
  return { ...policy, statements: policy.statements.map((statement) => ({ ...statement })) };
}
