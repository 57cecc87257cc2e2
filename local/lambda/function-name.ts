import { AwsError } from '../service.ts';
import { functionArn } from './function-configuration.ts';

/** A name, a partial ARN (`account:function:name`) or an ARN, each with an optional qualifier. */
const REFERENCE = /^(?:(?:arn:aws:lambda:[a-z0-9-]+:)?(?:\d{12}:)?function:|\d{12}:)?([A-Za-z0-9-_]+)(?::([^:]+))?$/;

/**
 * The name in whatever form Lambda takes to refer to a function. Only `$LATEST` exists locally.
 * @throws AwsError `ResourceNotFoundException` for another version or alias, `ValidationException` for anything else
 */
export function functionNameOf(reference: string, qualifier?: string): string {
  const [, name, ownQualifier] = REFERENCE.exec(reference) ?? [];
  if (name === undefined) {
    throw new AwsError('ValidationException', `"${reference}" is neither a function's name nor its ARN.`);
  }
  const version = qualifier ?? ownQualifier ?? '$LATEST';
  if (version !== '$LATEST') throw functionNotFound(`${name}:${version}`);
  return name;
}

export function functionNotFound(name: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Function not found: ${functionArn(name)}`, 404);
}
