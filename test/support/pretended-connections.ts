import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { LocalCloud } from '../../local/index.ts';
import { type Topic, userAddress } from '../../server/address.ts';
import { adminClient } from './local-cloud.ts';

/** The most items of one BatchWriteItem call. */
const MAX_BATCH_WRITES = 25;

/** Puts items of dead connections of a user into the table. @param address where they are. Default: at the user */
export async function pretendConnections(
  cloud: LocalCloud,
  userId: string,
  count: number,
  address: Topic = userAddress(userId),
): Promise<void> {
  const { ConnectionsTableName = '', CallbackUrl = '' } = cloud.outputs['Beckon'] ?? {};
  const dynamoDb = new DynamoDBClient(adminClient(cloud));
  const endsAt = { N: String(Math.floor(cloud.clock.now() / 1000) + 600) };
  const requests = Array.from({ length: count }, (_, index) => ({
    PutRequest: {
      Item: {
        address: { S: address },
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
