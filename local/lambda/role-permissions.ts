import { type Authorize, AwsError, type Principal, type Resource } from '../service.ts';
import type { FunctionConfiguration } from './function-configuration.ts';

/** A function's role, which Lambda itself assumes for the function. */
export function roleOf({ roleArn, name }: FunctionConfiguration): Principal {
  return { kind: 'role', roleArn, sessionName: name };
}

/**
 * Checks that the function's role allows what Lambda will do with it, as AWS does at the creation of such a resource.
 * @throws Error naming the resource and the missing action
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
