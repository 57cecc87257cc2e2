import type { DynamoDBClient, QueryCommand, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { pairOf } from '../../../../server/address.ts';
import { createDynamoDbTranscripts } from '../../../../server/aws/dynamodb-transcripts.ts';
import { serialFloor } from '../../../../server/serial.ts';

const PAIR = pairOf('a', 'b');

/** Transcripts over a table that never ends, of whose pages each has these items. */
function endless(Items: object[]) {
  const asked: QueryCommandInput[] = [];
  const send = async ({ input }: QueryCommand) => {
    asked.push(input);
    return { Items, LastEvaluatedKey: { serial: { S: serialFloor(asked.length) } } };
  };
  const client = { send } as unknown as DynamoDBClient;
  return { asked, transcripts: createDynamoDbTranscripts({ client, tableName: 'T', now: () => 0 }) };
}

test('counting looks at a thousand entries at most, and then says that there may be more', async () => {
  const { asked, transcripts } = endless([{}, {}, {}]);
  const counted = transcripts.count(PAIR, { after: serialFloor(0), except: { user: 'a' }, limit: 100 });
  expect(await counted).toEqual({ count: 15, retried: [], more: true });
  expect(asked.map(({ Limit }) => Limit)).toEqual([200, 200, 200, 200, 200]);
});

test('looking for copies reads five pages at most', async () => {
  const { asked, transcripts } = endless([]);
  expect(await transcripts.find(PAIR, ['m1'], { first: serialFloor(0), last: serialFloor(9) })).toEqual([]);
  expect(asked.map(({ ScanIndexForward }) => ScanIndexForward)).toEqual(Array(5).fill(false));
});
