import { createHash } from 'node:crypto';
import { isObject } from '../json.ts';
import { LOCAL_ACCOUNT, type Provisioned, type Resource, type ResourceProvider } from '../service.ts';
import { awsManagedPolicy, isAwsManaged } from './managed-policies.ts';
import { parsePolicy } from './policy.ts';
import type { AttachedPolicy, Roles } from './roles.ts';
import { trustedServices } from './trust.ts';

/** `AWS::IAM::Role`, `AWS::IAM::Policy` and `AWS::IAM::ManagedPolicy`. */
export function iamProviders(roles: Roles): readonly ResourceProvider[] {
  const managed = new Map<string, AttachedPolicy>();
  return [
    {
      type: 'AWS::IAM::Role',
      properties: ['AssumeRolePolicyDocument', 'ManagedPolicyArns', 'Path', 'Policies', 'RoleName'],
      inertProperties: ['Description', 'MaxSessionDuration', 'Tags'],
      create: (resource) => createRole(resource, roles, readPolicies(resource, managed)),
      leaveOut: (resource) => leaveOutRole(resource, roles, managed),
    },
    {
      type: 'AWS::IAM::Policy',
      properties: ['PolicyDocument', 'PolicyName', 'Roles'],
      create(resource) {
        const name = text(resource.properties['PolicyName'], 'PolicyName');
        attachToRoles(resource, inlinePolicy(name, resource.properties['PolicyDocument']), roles);
        return { ref: resource.physicalName, attributes: {} };
      },
    },
    {
      type: 'AWS::IAM::ManagedPolicy',
      properties: ['ManagedPolicyName', 'Path', 'PolicyDocument', 'Roles'],
      inertProperties: ['Description'],
      create(resource) {
        const name = nameOf(resource, 'ManagedPolicyName');
        const policy = inlinePolicy(name, resource.properties['PolicyDocument']);
        const arn = `arn:aws:iam::${LOCAL_ACCOUNT}:policy${pathOf(resource)}${name}`;
        managed.set(arn, policy);
        attachToRoles(resource, policy, roles);
        return { ref: arn, attributes: { PolicyArn: arn } };
      },
    },
  ];
}

function createRole(resource: Resource, roles: Roles, policies: readonly AttachedPolicy[]): Provisioned {
  const name = nameOf(resource, 'RoleName');
  const arn = `arn:aws:iam::${LOCAL_ACCOUNT}:role${pathOf(resource)}${name}`;
  roles.add({ name, arn, trustedServices: trustedServices(resource.properties['AssumeRolePolicyDocument']), policies });
  return { ref: name, attributes: { Arn: arn, RoleId: roleId(arn) } };
}

type ReadPolicy = () => AttachedPolicy;

function policiesOf({ properties }: Resource, managed: ReadonlyMap<string, AttachedPolicy>): readonly ReadPolicy[] {
  const inline = list(properties['Policies'], 'Policies').map(
    (policy, index): ReadPolicy =>
      () => {
        if (!isObject(policy)) throw new Error(`Policies[${index}] must be an object`);
        return inlinePolicy(text(policy['PolicyName'], `Policies[${index}].PolicyName`), policy['PolicyDocument']);
      },
  );
  const attached = list(properties['ManagedPolicyArns'], 'ManagedPolicyArns').map(
    (value): ReadPolicy =>
      () =>
        managedPolicy(text(value, 'ManagedPolicyArns'), managed),
  );
  return [...inline, ...attached];
}

function readPolicies(resource: Resource, managed: ReadonlyMap<string, AttachedPolicy>): readonly AttachedPolicy[] {
  return policiesOf(resource, managed).map((read) => read());
}

/** Creates a role of which a part is unsupported. The rest of it counts. */
function leaveOutRole(resource: Resource, roles: Roles, managed: ReadonlyMap<string, AttachedPolicy>): Provisioned {
  const { properties } = resource;
  const name = typeof properties['RoleName'] === 'string' ? properties['RoleName'] : resource.physicalName;
  const arn = `arn:aws:iam::${LOCAL_ACCOUNT}:role/${name}`;
  const trusted = readable([() => trustedServices(properties['AssumeRolePolicyDocument'])]).flat();
  const policies = readable(readable([() => policiesOf(resource, managed)]).flat());
  // The name may be taken, which may be the reason.
  if (roles.all().every((role) => role.name !== name)) roles.add({ name, arn, trustedServices: trusted, policies });
  return { ref: name, attributes: { Arn: arn, RoleId: roleId(arn) } };
}

/** Reads the supported policies. The role has reported the others. */
function readable<Value>(reads: readonly (() => Value)[]): Value[] {
  return reads.flatMap((read) => {
    try {
      return [read()];
    } catch (error) {
      if (error instanceof Error) return [];
      throw error;
    }
  });
}

function managedPolicy(arn: string, own: ReadonlyMap<string, AttachedPolicy>): AttachedPolicy {
  if (isAwsManaged(arn)) return { name: arn, awsManaged: true, statements: parsePolicy(awsManagedPolicy(arn), arn) };
  const policy = own.get(arn);
  if (!policy) throw new Error(`the managed policy ${arn} is not part of the application`);
  return policy;
}

function inlinePolicy(name: string, document: unknown): AttachedPolicy {
  return { name, awsManaged: false, statements: parsePolicy(document, `policy ${name}`) };
}

function attachToRoles(resource: Resource, policy: AttachedPolicy, roles: Roles): void {
  for (const role of list(resource.properties['Roles'], 'Roles')) roles.attach(text(role, 'Roles'), policy);
}

function nameOf(resource: Resource, property: string): string {
  const name = resource.properties[property];
  return name === undefined ? resource.physicalName : text(name, property);
}

/** Returns the path, by default `/`. It begins and ends with a slash. */
function pathOf(resource: Resource): string {
  const path = resource.properties['Path'];
  return path === undefined ? '/' : text(path, 'Path');
}

/** Makes a role id: AROA and 17 more characters. */
function roleId(arn: string): string {
  return `AROA${createHash('sha256').update(arn).digest('hex').slice(0, 17).toUpperCase()}`;
}

function list(value: unknown, property: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${property} must be a list, got ${JSON.stringify(value)}`);
}

function text(value: unknown, property: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${property} must be text, got ${JSON.stringify(value)}`);
}
