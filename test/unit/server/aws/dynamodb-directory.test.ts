import { DeleteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { roomAddress, userAddress } from '../../../../server/address.ts';
import { createDynamoDbDirectory } from '../../../../server/aws/dynamodb-directory.ts';
import { createRecordingClient } from '../../../support/recording-client.ts';

const ROOMS = Array.from({ length: 50 }, (_, index) => roomAddress(`r${index}`));

test('a mapping that cannot be removed keeps none of the others, and rejects the call', async () => {
  const removed: (string | undefined)[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const client = {
    async send(command: unknown) {
      if (!(command instanceof DeleteItemCommand)) throw new Error('not a removal');
      const address = command.input.Key?.['address']?.S;
      underWay += 1;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      if (address === ROOMS[3]) throw new Error('throttled');
      removed.push(address);
      return { Attributes: { rooms: { SS: ROOMS } } };
    },
  } as unknown as DynamoDBClient;
  const directory = createDynamoDbDirectory({ client, tableName: 'connections', now: () => 0 });

  const bob = { address: userAddress('bob'), connectionId: 'c1', userId: 'bob' };
  await expect(directory.forget(bob)).rejects.toThrow('throttled');

  const others = ROOMS.filter((room) => room !== ROOMS[3]);
  // What tells that it is live goes first, then what tells of all the rest.
  expect(removed.slice(0, 2)).toEqual([userAddress('bob'), `subscriptions#${userAddress('bob')}`]);
  expect(removed.slice(2).toSorted()).toEqual(others.toSorted());
  expect(mostUnderWay).toBe(25);
});

test('find is as consistent as it is asked to be', async () => {
  const { client, inputs } = createRecordingClient();
  const directory = createDynamoDbDirectory({ client, tableName: 'connections', now: () => 0 });
  await directory.find(userAddress('bob'), { consistent: true });
  await directory.find(userAddress('bob'), { consistent: false });
  expect(inputs).toMatchObject([{ ConsistentRead: true }, { ConsistentRead: false }]);
});

test('find compares expiries with the clock from before the read', async () => {
  let nowSeconds = 1_800_000_000;
  const expiresAt = { N: String(nowSeconds + 30) };
  const mapping = { connectionId: { S: 'c1' }, callbackUrl: { S: 'https://api' }, userId: { S: 'bob' }, expiresAt };
  const { client, inputs } = createRecordingClient(() => {
    nowSeconds += 60;
    return { Items: [{ ...mapping, tokenExpiresAt: expiresAt }] };
  });
  const directory = createDynamoDbDirectory({ client, tableName: 'connections', now: () => nowSeconds * 1000 });
  expect(await directory.find(userAddress('bob'), { consistent: true })).toHaveLength(1);
  expect(inputs).toMatchObject([{ ExpressionAttributeValues: { ':now': { N: '1800000000' } } }]);
});

test('a tombstone stays for the two hours that a connection can live, in epoch seconds', async () => {
  const { client, inputs } = createRecordingClient();
  const directory = createDynamoDbDirectory({ client, tableName: 'connections', now: () => 1_800_000_000_999 });
  await directory.remove(userAddress('bob'), 'c1');
  expect(inputs).toMatchObject([
    { ExpressionAttributeValues: { ':now': { N: '1800000000' }, ':expiresAt': { N: '1800007200' } } },
  ]);
});
