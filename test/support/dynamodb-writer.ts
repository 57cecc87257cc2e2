/** Writes and deletes items in the folder of its first argument until it is killed. Prints each acknowledged call. */
import { writeSync } from 'node:fs';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { call } from './aws-server.ts';

const CONCURRENCY = 8;
const TableName = 'Crash';

const [, , dataDirectory = ''] = process.argv;
const service = await createDynamoDb({
  clock: createClock(),
  faults: NO_FAULTS,
  authorize: () => undefined,
  log: () => undefined,
  dataDirectory,
});

async function acknowledged(line: string, operation: string, input: object): Promise<void> {
  const { statusCode, body } = await call(service, operation, { TableName, ...input });
  if (statusCode !== 200) throw new Error(JSON.stringify(body));
  writeSync(1, `${line}\n`);
}

await acknowledged('table', 'CreateTable', {
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: ['pk', 'parity'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byParity',
      KeySchema: [{ AttributeName: 'parity', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
});

let next = 0;

/** Deletes every third item again. */
async function write(): Promise<void> {
  for (;;) {
    const index = next++;
    const pk = { S: `item-${index}` };
    const parity = { S: index % 2 === 0 ? 'even' : 'odd' };
    await acknowledged(`put ${index}`, 'PutItem', { Item: { pk, parity, data: { S: 'x'.repeat(500) } } });
    if (index % 3 === 0) await acknowledged(`delete ${index}`, 'DeleteItem', { Key: { pk } });
  }
}

await Promise.all(Array.from({ length: CONCURRENCY }, write));
