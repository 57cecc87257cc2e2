import { type DynamoDBClient, QueryCommand, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import { type Correspondent, userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { ConversationList, ListedConversation } from '../history/conversation-list.ts';
import { type Item, number, textOf } from './attributes.ts';
import { updateIf } from './conditional-write.ts';
import { isBelow } from './conditions.ts';
import { keyOf, partitionOf } from './tables.ts';

/** The list in the connections table: the attribute `last` of the items that have the markers. */
export function createDynamoDbConversationList(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
  /** An item is of no use once all messages of the conversation have expired. */
  readonly retentionSeconds: number;
}): ConversationList {
  const { client, tableName: TableName, now, retentionSeconds } = options;

  return {
    async note({ userId, peer }, serial) {
      await updateIf(client, isBelow('#last', { S: serial }), {
        TableName,
        Key: keyOf('marker', { user: userAddress(userId), address: peer }),
        UpdateExpression: 'SET #last = :serial, expiresAt = :expiry',
        ExpressionAttributeNames: { '#last': 'last' },
        values: { ':serial': { S: serial }, ':expiry': number(toSeconds(now()) + retentionSeconds) },
      });
    },

    async read(userId, limit) {
      const found: ListedConversation[] = [];
      let scanned = 0;
      let start: Item | undefined;
      do {
        const page: QueryCommandOutput = await client.send(
          new QueryCommand({
            TableName,
            ConsistentRead: true,
            Limit: limit - scanned,
            KeyConditionExpression: 'address = :user',
            FilterExpression: 'attribute_exists(#last) AND expiresAt > :now',
            ProjectionExpression: 'connectionId, #last, #read',
            ExpressionAttributeNames: { '#last': 'last', '#read': 'read' },
            ExpressionAttributeValues: {
              ':user': { S: partitionOf('marker', { user: userAddress(userId) }) },
              ':now': number(toSeconds(now())),
            },
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        found.push(...(page.Items ?? []).map(toListed));
        scanned += page.ScannedCount ?? 0;
        start = page.LastEvaluatedKey;
      } while (start && scanned < limit);
      return found;
    },
  };
}

function toListed(item: Item): ListedConversation {
  const { read } = item;
  return {
    peer: textOf(item, 'connectionId') as Correspondent,
    last: textOf(item, 'last'),
    ...(read?.S && { read: read.S }),
  };
}
