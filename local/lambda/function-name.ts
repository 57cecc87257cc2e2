import { AwsError } from '../service.ts';
import { functionArn } from './function-configuration.ts';

/** A name, a partial ARN (`account:function:name`) or an ARN, each with an optional qualifier. */
const REFERENCE = /^(?:(?:arn:aws:lambda:[a-z0-9-]+:)?(?:\d{12}:)?function:|\d{12}:)?([A-Za-z0-9-_]+)(?::([^:]+))?$/;

/** A function, and perhaps one of its versions or aliases. */
export interface QualifiedName {
  readonly name: string;
  /** Absent for the latest version. */
  readonly qualifier?: string;
}

/**
 * Reads a reference to a function in all forms that Lambda accepts.
 * @throws AwsError `ValidationException` for another form
 */
export function functionNameOf(reference: string, qualifier?: string): QualifiedName {
  const [, name, ownQualifier] = REFERENCE.exec(reference) ?? [];
  if (name === undefined) {
    throw new AwsError('ValidationException', `"${reference}" is neither a function's name nor its ARN.`);
  }
  const version = qualifier ?? ownQualifier ?? LATEST;
  return version === LATEST ? { name } : { name, qualifier: version };
}

/** The version of unpublished code. */
export const LATEST = '$LATEST';

/** The ARN of a function, or of one of its versions or aliases. */
export function qualifiedArn({ name, qualifier }: QualifiedName): string {
  return qualifier === undefined ? functionArn(name) : `${functionArn(name)}:${qualifier}`;
}

export function functionNotFound(name: QualifiedName): AwsError {
  return new AwsError('ResourceNotFoundException', `Function not found: ${qualifiedArn(name)}`, 404);
}
