import { createClock } from '../../local/clock.ts';
import { createIam, type Iam, type IamOptions } from '../../local/iam/iam.ts';
import type { Principal } from '../../local/service.ts';
import { resource } from './aws-server.ts';

/** A trust policy for functions. */
export const LAMBDA_TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

export const ROLE_ARN = 'arn:aws:iam::000000000000:role/worker';

/** A session of the role `worker`, such as the function `Work` has. */
export const WORKER: Principal = { kind: 'role', roleArn: ROLE_ARN, sessionName: 'Work' };

/** Creates IAM with a role `worker`, whose inline policy `own` has these statements. */
export async function iamWith(statements: unknown, options: Partial<IamOptions> = {}): Promise<Iam> {
  const iam = createIam({ clock: createClock(), onCheck: () => {}, ...options });
  const PolicyDocument = { Version: '2012-10-17', Statement: statements };
  await createRole(iam, { Policies: [{ PolicyName: 'own', PolicyDocument }] });
  return iam;
}

export async function createRole(iam: Iam, properties: Readonly<Record<string, unknown>>): Promise<unknown> {
  return create(iam, 'AWS::IAM::Role', { RoleName: 'worker', AssumeRolePolicyDocument: LAMBDA_TRUST, ...properties });
}

/** Creates an IAM resource with the provider of its type. */
export async function create(iam: Iam, type: string, properties: Readonly<Record<string, unknown>>) {
  const provider = iam.providers.find((each) => each.type === type);
  if (!provider) throw new Error(`there is no provider of ${type}`);
  return provider.create(resource(type, properties));
}
