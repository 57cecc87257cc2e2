import type { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

export interface AddressTableProps {
  readonly sortKey: string;
  /** What becomes of the table when the stack is deleted. */
  readonly removalPolicy: RemovalPolicy;
  /** Whether the table can be brought back to any moment of the last 35 days. */
  readonly pointInTimeRecovery: boolean;
}

/** A table of what there is at each `address`, whose items expire by their attribute `expiresAt` (epoch seconds). */
export class AddressTable extends TableV2 {
  constructor(scope: Construct, id: string, { sortKey, removalPolicy, pointInTimeRecovery }: AddressTableProps) {
    super(scope, id, {
      partitionKey: { name: 'address', type: AttributeType.STRING },
      sortKey: { name: sortKey, type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.dynamoOwnedKey(),
      removalPolicy,
      ...(pointInTimeRecovery && { pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true } }),
    });
  }
}
