import { type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { EncryptionKey } from './beckon-props.ts';

/** How logs are kept. */
export interface LogProps {
  /** How long log lines are kept. */
  readonly logRetention: RetentionDays;
  /** What becomes of the log group when the stack is deleted. */
  readonly removalPolicy: RemovalPolicy;
  /** @default - a key that CloudWatch Logs owns */
  readonly encryptionKey?: IKey | undefined;
}

/** A log group. */
export class Log extends LogGroup {
  constructor(scope: Construct, id: string, { logRetention, removalPolicy, encryptionKey }: LogProps) {
    super(scope, id, { retention: logRetention, removalPolicy, ...(encryptionKey && { encryptionKey }) });
  }
}

/**
 * Lets CloudWatch Logs encrypt the log groups of this account and region with `key`. An imported key stays as it is.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
export function allowLogs(scope: Construct, key: EncryptionKey): void {
  const { region, partition, account } = Stack.of(scope);
  (key as Pick<IKey, 'addToResourcePolicy'>).addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
      },
    }),
  );
}
