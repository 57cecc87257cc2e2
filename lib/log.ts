import { type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { EncryptionKey } from './beckon-props.ts';

/** How Beckon keeps logs. */
export interface LogProps {
  /** How long CloudWatch keeps log lines. */
  readonly logRetention: RetentionDays;
  /** Whether the log group outlives its stack. */
  readonly removalPolicy: RemovalPolicy;
  /** @default - CloudWatch Logs encrypts with a key that AWS owns */
  readonly encryptionKey?: IKey | undefined;
}

/** A log group. */
export class Log extends LogGroup {
  constructor(scope: Construct, id: string, { logRetention, removalPolicy, encryptionKey }: LogProps) {
    super(scope, id, { retention: logRetention, removalPolicy, ...(encryptionKey && { encryptionKey }) });
  }
}

/**
 * Allows CloudWatch Logs to encrypt the log groups of this account and region with `key`. It cannot change the policy of an
 * imported key.
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
