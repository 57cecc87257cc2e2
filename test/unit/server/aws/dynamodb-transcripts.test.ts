import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { pairOf } from '../../../../server/address.ts';
import { createDynamoDbTranscripts } from '../../../../server/aws/dynamodb-transcripts.ts';
import { serialFloor } from '../../../../server/serial.ts';

test('counting looks at a thousand entries at most, and then says that there may be more', async () => {
  const asked: { Limit?: number }[] = [];
  const send = async ({ input }: { input: { Limit?: number } }) => {
    asked.push(input);
    return { Count: 3, LastEvaluatedKey: { serial: { S: serialFloor(asked.length) } } };
  };
  const client = { send } as unknown as DynamoDBClient;
  const transcripts = createDynamoDbTranscripts({ client, tableName: 't', now: () => 0 });
  const counted = transcripts.count(pairOf('a', 'b'), { after: serialFloor(0), except: { user: 'a' }, limit: 100 });
  expect(await counted).toEqual({ count: 15, more: true });
  expect(asked.map(({ Limit }) => Limit)).toEqual([200, 200, 200, 200, 200]);
});
