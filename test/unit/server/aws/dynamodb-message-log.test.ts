import { expect, test } from 'vitest';
import { userAddress } from '../../../../server/address.ts';
import { createDynamoDbMessageLog } from '../../../../server/aws/dynamodb-message-log.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { createRecordingClient } from '../../../support/recording-client.ts';

test('every read is strongly consistent: what has been appended before is seen', async () => {
  const { client, inputs } = createRecordingClient();
  const log = createDynamoDbMessageLog({ client, tableName: 'messages', now: () => 0 });
  await log.read(userAddress('bob'), serialFloor(0));
  await log.find(userAddress('bob'), { user: 'alice' }, ['m1'], serialFloor(0));
  expect(inputs).toMatchObject([{ ConsistentRead: true }, { ConsistentRead: true }]);
});

test('looking for the first attempt takes one query of a page at most, whatever the log holds', async () => {
  const { client, inputs } = createRecordingClient(() => ({ LastEvaluatedKey: { address: { S: 'more' } } }));
  const log = createDynamoDbMessageLog({ client, tableName: 'messages', now: () => 0 });
  await log.find(userAddress('bob'), { user: 'alice' }, ['m1'], serialFloor(0));
  expect(inputs).toMatchObject([{ Limit: 250, ScanIndexForward: false }]);
});
