import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { LocalCloud } from '../../local/index.ts';
import { adminClient } from './local-cloud.ts';

/** The most items of one BatchWriteItem call. */
const MAX_BATCH_WRITES = 25;

/** Puts items of dead connections of a user into the table. */
export async function pretendConnections(cloud: LocalCloud, userId: string, count: number): Promise<void> {
  const { ConnectionsTableName = '', CallbackUrl = '' } = cloud.outputs['Beckon'] ?? {};
  const dynamoDb = new DynamoDBClient(adminClient(cloud));
  const endsAt = { N: String(Math.floor(cloud.clock.now() / 1000) + 600) };
  const requests = Array.from({ length: count }, (_, index) => ({
    PutRequest: {
      Item: {
        address: { S: `user#${userId}` },
        connectionId: { S: `${Buffer.from(`${index}`.padStart(11, 'x')).toString('base64url')}=` },
        userId: { S: userId },
        callbackUrl: { S: CallbackUrl },
        expiresAt: endsAt,
        tokenExpiresAt: endsAt,
      },
    },
  }));
  for (let at = 0; at < requests.length; at += MAX_BATCH_WRITES) {
    const RequestItems = { [ConnectionsTableName]: requests.slice(at, at + MAX_BATCH_WRITES) };
    await dynamoDb.send(new BatchWriteItemCommand({ RequestItems }));
  }
}
