import type { IGrantable } from 'aws-cdk-lib/aws-iam';

/**
 * What can be let do something: a function, an imported one, the task role of ECS. It is the CDK's `IGrantable`, in terms that
 * TypeScript also takes from another copy of the CDK, such as a workspace has that pins a version of its own.
 */
export interface Grantee {
  readonly grantPrincipal: { addToPrincipalPolicy(statement: never): unknown };
}

export interface ReadGrantee {
  readonly grantable: IGrantable;
  /** Sets a variable. `undefined` where the app does not decide about the environment: imported functions, aliases, roles. */
  readonly addEnvironment: ((name: string, value: string) => void) | undefined;
}

/** Reads whom to let do something, and how to tell them where. */
export function readGrantee(grantee: Grantee): ReadGrantee {
  const { addEnvironment } = grantee as { addEnvironment?(name: string, value: string): unknown };
  return {
    grantable: grantee as IGrantable,
    addEnvironment: addEnvironment && ((name, value) => addEnvironment.call(grantee, name, value)),
  };
}
