import * as v from 'valibot';
import { type ArnPattern, arnPattern } from '../iam/arn-pattern.ts';
import { propertyError, readProperties } from '../resource-properties.ts';
import { type InvocationSource, LOCAL_ACCOUNT, type Resource } from '../service.ts';

/** A statement of a function's resource policy: a service that may invoke it, and the resource that the service acts for. */
export interface Permission {
  /** Name or ARN. */
  readonly functionName: string;
  allows(source: InvocationSource): boolean;
}

export const PERMISSION_PROPERTIES = ['Action', 'FunctionName', 'Principal', 'SourceArn', 'SourceAccount'];

const schema = v.object({
  Action: v.picklist(['lambda:InvokeFunction', 'lambda:*', '*']),
  FunctionName: v.string(),
  Principal: v.pipe(v.string(), v.endsWith('.amazonaws.com')),
  SourceArn: v.optional(v.string()),
  SourceAccount: v.optional(v.string()),
});

/**
 * Reads an `AWS::Lambda::Permission`. Refuses principals that are no services: here, only IAM policies give roles access.
 */
export function readPermission(resource: Resource): Permission {
  const { FunctionName, Principal, SourceArn, SourceAccount = LOCAL_ACCOUNT } = readProperties(resource, schema);
  const pattern = SourceArn === undefined ? undefined : sourcePattern(resource, SourceArn);
  return {
    functionName: FunctionName,
    allows: ({ service, sourceArn }) =>
      service === Principal &&
      SourceAccount === LOCAL_ACCOUNT &&
      (pattern?.matches(sourceArn, () => undefined) ?? true),
  };
}

function sourcePattern(resource: Resource, source: string): ArnPattern {
  try {
    return arnPattern(source);
  } catch (cause) {
    throw propertyError(resource, 'SourceArn', cause instanceof Error ? cause.message : String(cause));
  }
}
