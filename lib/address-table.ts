import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

export interface AddressTableProps {
  readonly sortKey: string;
  /** Another attribute by which items that have it are found, in the order of the sort key. @default none */
  readonly index?: string;
  /** What becomes of the table when the stack is deleted. One that is kept cannot be deleted by accident either. */
  readonly removalPolicy: RemovalPolicy;
  /** Whether the table can be brought back to any moment of the last 35 days. */
  readonly pointInTimeRecovery: boolean;
  /** @default - a key that DynamoDB owns */
  readonly encryptionKey?: IKey | undefined;
}

/** A table of what there is at each `address`, whose items expire by their attribute `expiresAt` (epoch seconds). */
export class AddressTable extends TableV2 {
  constructor(scope: Construct, id: string, props: AddressTableProps) {
    const { index, removalPolicy, pointInTimeRecovery, encryptionKey } = props;
    const sortKey = { name: props.sortKey, type: AttributeType.STRING };
    super(scope, id, {
      partitionKey: { name: 'address', type: AttributeType.STRING },
      sortKey,
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      encryption: encryptionKey
        ? TableEncryptionV2.customerManagedKey(encryptionKey)
        : TableEncryptionV2.dynamoOwnedKey(),
      removalPolicy,
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: pointInTimeRecovery },
      ...(index !== undefined && {
        globalSecondaryIndexes: [
          { indexName: index, partitionKey: { name: index, type: AttributeType.STRING }, sortKey },
        ],
      }),
    });
  }
}
