import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

export interface AddressTableProps {
  readonly sortKey: string;
  /** The partition key of an index, which is in the order of the sort key. @default - no index */
  readonly index?: string;
  /** Whether the table outlives its stack. A table that does is protected from accidental deletion as well. */
  readonly removalPolicy: RemovalPolicy;
  /** Whether the table can be restored to any moment of the last 35 days. */
  readonly pointInTimeRecovery: boolean;
  /** @default - DynamoDB encrypts with a key that AWS owns */
  readonly encryptionKey?: IKey | undefined;
}

/** A table whose partition key is `address`, and whose items expire by their attribute `expiresAt` (epoch seconds). */
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
