import type { IGrantable } from 'aws-cdk-lib/aws-iam';

/**
 * A holder of permissions: a function, an imported function, the task role of ECS. It is the CDK's `IGrantable`, without the
 * types that differ between two copies of the CDK.
 */
export interface Grantee {
  readonly grantPrincipal: { addToPrincipalPolicy(statement: never): unknown };
}

export interface ReadGrantee {
  readonly grantable: IGrantable;
  /** Sets a variable. `undefined` where the app does not own the environment: imported functions, aliases, roles. */
  readonly addEnvironment: ((name: string, value: string) => void) | undefined;
}

/** Finds out what gets the permissions, and whether the app can set its environment. */
export function readGrantee(grantee: Grantee): ReadGrantee {
  const { addEnvironment } = grantee as { addEnvironment?(name: string, value: string): unknown };
  return {
    grantable: grantee as IGrantable,
    addEnvironment: addEnvironment && ((name, value) => addEnvironment.call(grantee, name, value)),
  };
}
