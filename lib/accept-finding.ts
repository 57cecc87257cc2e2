import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** A finding of cdk-nag's AwsSolutions rules: the rule, and for rules with several findings, which one. */
export interface Finding {
  readonly rule: `AwsSolutions-${string}`;
  /** What the finding is about, such as the ARN with a wildcard. @default - the rule has one finding for a resource */
  readonly about?: { readonly kind: 'Policy' | 'Resource'; readonly arn: string };
  /** Why it is meant to be so. */
  readonly reason: string;
}

/** Says at the resource why a finding is accepted. Without cdk-nag in the app this changes nothing, in the template neither. */
export function acceptFinding(resource: IConstruct, { rule, about, reason }: Finding): void {
  const which = about ? `[${about.kind}::${flatten(Stack.of(resource).resolve(about.arn))}]` : '';
  Validations.of(resource).acknowledge({ id: `${rule}${which}`, reason });
}

/** A resolved ARN as cdk-nag writes it: `arn:<AWS::Partition>:…`. */
function flatten(resolved: string | { 'Fn::Join': [string, unknown[]] } | { Ref: string }): string {
  if (typeof resolved === 'string') return resolved;
  if ('Ref' in resolved) return `<${resolved.Ref}>`;
  const [separator, parts] = resolved['Fn::Join'];
  return parts.map((part) => flatten(part as Parameters<typeof flatten>[0])).join(separator);
}
