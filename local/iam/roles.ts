import { AwsError } from '../service.ts';
import type { Statement } from './policy.ts';

/** One policy of a role. */
export interface AttachedPolicy {
  readonly name: string;
  /** Whether it is a policy of AWS, whose permissions the application does not choose. */
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
  /** Attaches a policy. @throws Error if the application has no role of that name */
  attach(roleName: string, policy: AttachedPolicy): void;
  /** Returns a role. @throws AwsError `NoSuchEntity` */
  byArn(arn: string): Role;
  /**
   * Lets a service assume a role.
   * @throws AwsError `NoSuchEntity`, or `AccessDenied` if the role does not trust the service
   */
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
      if (roles.has(role.name)) throw new Error(`the role ${role.name} exists already`);
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

/** Copies a policy for each role, because the usage report counts a shared policy role by role. */
function own(policy: AttachedPolicy): AttachedPolicy {
  return { ...policy, statements: policy.statements.map((statement) => ({ ...statement })) };
}
