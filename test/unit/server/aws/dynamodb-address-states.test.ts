import { expect, test } from 'vitest';
import { userAddress } from '../../../../server/address.ts';
import { createDynamoDbAddressStates } from '../../../../server/aws/dynamodb-address-states.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { createRecordingClient } from '../../../support/recording-client.ts';

const BOB = userAddress('bob');
const NOW_SECONDS = 1_800_000_000;

function open() {
  const { client, inputs } = createRecordingClient();
  const now = () => NOW_SECONDS * 1000 + 999;
  return {
    states: createDynamoDbAddressStates({ client, tableName: 'connections', now, retentionSeconds: 60 }),
    inputs,
  };
}

test('a state is read strongly consistently: an earlier mark is seen', async () => {
  const { states, inputs } = open();
  await states.read(BOB);
  expect(inputs).toMatchObject([{ ConsistentRead: true }]);
});

test('a state expires with the messages that it describes, in epoch seconds', async () => {
  const { states, inputs } = open();
  await states.acknowledge(BOB, serialFloor(0));
  await states.markLate(BOB, serialFloor(0));
  const expiry = { ':expiry': { N: String(NOW_SECONDS + 60) } };
  expect(inputs).toMatchObject([{ ExpressionAttributeValues: expiry }, { ExpressionAttributeValues: expiry }]);
});
