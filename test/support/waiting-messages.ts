import { BatchWriteItemCommand, DynamoDBClient, type PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { LocalCloud } from '../../local/index.ts';
import { userAddress } from '../../server/address.ts';
import { createDynamoDbMessageLog } from '../../server/aws/dynamodb-message-log.ts';
import { mapConcurrently } from '../../server/concurrency.ts';
import { serialFloor } from '../../server/serial.ts';
import { adminClient } from './local-cloud.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html (read 2026-11) */
const MAX_BATCH_ITEMS = 25;

/** Puts `count` messages for a user into the log. The data of each is its number, from 0. */
export async function letMessagesWait(cloud: LocalCloud, userId: string, count: number): Promise<void> {
  const tableName = cloud.outputs['Beckon']?.['MessagesTableName'] ?? '';
  const nowMs = Date.now();
  const requests: { PutRequest: { Item: PutItemCommand['input']['Item'] } }[] = [];
  // The log builds the items, so they are real ones. Sending them one by one would take a minute.
  const collector = { send: async ({ input }: PutItemCommand) => requests.push({ PutRequest: { Item: input.Item } }) };
  const log = createDynamoDbMessageLog({ client: collector as never, tableName, now: Date.now });
  for (let number = 0; number < count; number += 1) {
    const sentAt = nowMs - count + number;
    const message = { id: `waiting-${number}`, serial: serialFloor(sentAt), from: { user: 'alice' }, sentAt };
    await log.append(userAddress(userId), { ...message, to: { user: userId }, data: number }, nowMs / 1000 + 3_600);
  }
  const client = new DynamoDBClient(adminClient(cloud));
  const batches = Array.from({ length: Math.ceil(count / MAX_BATCH_ITEMS) }, (_, batch) =>
    requests.slice(batch * MAX_BATCH_ITEMS, (batch + 1) * MAX_BATCH_ITEMS),
  );
  await mapConcurrently(batches, 10, (batch) =>
    client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: batch } })),
  );
  client.destroy();
}
