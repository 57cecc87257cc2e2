import { type Authorize, AwsError, type Principal, type Resource } from '../service.ts';
import type { FunctionConfiguration } from './function-configuration.ts';

/** A function's role, as whom Lambda itself acts for the function. */
export function roleOf({ roleArn, name }: FunctionConfiguration): Principal {
  return { kind: 'role', roleArn, sessionName: name };
}

/**
 * Requires, as AWS does when such a resource is made, that the function's role may do what Lambda will do as it.
 * @throws Error naming the resource and the action that the role lacks
 */
export function requireRolePermissions(
  authorize: Authorize,
  configuration: FunctionConfiguration,
  actions: readonly string[],
  targetArn: string,
  resource: Resource,
): void {
  for (const action of actions) {
    try {
      authorize(roleOf(configuration), action, targetArn);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw new Error(
        `${resource.logicalId} (${resource.type}) in ${resource.stackName}: the role of ${configuration.name}, ` +
          `${configuration.roleArn}, must be allowed ${action} on ${targetArn}`,
        { cause: error },
      );
    }
  }
}
