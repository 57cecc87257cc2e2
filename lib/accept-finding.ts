import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** A finding of cdk-nag's AwsSolutions rules: the rule, and which of its findings if there are several. */
export interface Finding {
  readonly rule: `AwsSolutions-${string}`;
  /** The subject of the finding, such as an ARN with a wildcard. @default - the rule has one finding for a resource */
  readonly about?: { readonly kind: 'Action' | 'Policy' | 'Resource'; readonly value: string };
  /** Why the finding is intended. */
  readonly reason: string;
}

/** The API of newer CDK releases that cdk-nag reads from release 3 on. */
interface WithValidations {
  readonly Validations?: { of(resource: IConstruct): { acknowledge(rule: { id: string; reason: string }): void } };
}

/**
 * Records at the resource why a finding is accepted. The template stays the same, with cdk-nag in the app or without. An
 * older CDK has no place for the record: cdk-nag 2 would want it in the template.
 */
export function acceptFinding(resource: IConstruct, { rule, about, reason }: Finding): void {
  const which = about ? `[${about.kind}::${flatten(cdk.Stack.of(resource).resolve(about.value))}]` : '';
  const { Validations } = cdk as WithValidations;
  Validations?.of(resource).acknowledge({ id: `${rule}${which}`, reason });
}

type Resolved =
  | string
  | { Ref: string }
  | { 'Fn::Join': [string, Resolved[]] }
  | { 'Fn::Sub': string }
  | { 'Fn::GetAtt': [string, string] };

/** Writes a resolved text as cdk-nag does: `arn:<AWS::Partition>:…`. */
function flatten(resolved: Resolved): string {
  if (typeof resolved === 'string') return resolved;
  if ('Ref' in resolved) return `<${resolved.Ref}>`;
  if ('Fn::GetAtt' in resolved) return `<${resolved['Fn::GetAtt'].join('.')}>`;
  if ('Fn::Sub' in resolved) return resolved['Fn::Sub'].replace(/\$\{(.*?)\}/g, '<$1>');
  const [separator, parts] = resolved['Fn::Join'];
  return parts.map(flatten).join(separator);
}
