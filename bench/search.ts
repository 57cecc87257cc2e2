/**
 * Measures the cost of search on the local cloud's DynamoDB: the writes for each indexed message, and the DynamoDB calls, read units
 * and milliseconds of searches in a conversation of 10,000 messages.
 *
 *     npx tsx bench/search.ts [--messages 10000] [--words 12] [--vocabulary 5000]
 */
import { parseArgs } from 'node:util';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createClock } from '../local/clock.ts';
import { createDynamoDb } from '../local/dynamodb/index.ts';
import { NO_FAULTS } from '../local/faults.ts';
import { createRandom } from '../local/random.ts';
import { roomAddress } from '../server/address.ts';
import { createDynamoDbMessageLog } from '../server/aws/dynamodb-message-log.ts';
import { createDynamoDbSearchIndex } from '../server/aws/dynamodb-search-index.ts';
import { createDynamoDbTranscripts } from '../server/aws/dynamodb-transcripts.ts';
import { mapConcurrently } from '../server/concurrency.ts';
import { createIndexMessages } from '../server/search/indexing.ts';
import { createSearch } from '../server/search/search.ts';
import { serialFloor } from '../server/serial.ts';
import { startAwsServer } from '../test/support/aws-server.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    words: { type: 'string', default: '12' },
    vocabulary: { type: 'string', default: '5000' },
  },
});
const messages = Number(values.messages);
const wordsPerMessage = Number(values.words);
const vocabulary = Number(values.vocabulary);

const SEARCHES = 20;
const CONCURRENCY = 16;
const LOBBY = roomAddress('lobby');
const START_MS = Date.now() - messages;
const expiresAt = Math.floor(Date.now() / 1000) + 3600;
const TableName = 'Messages';
const random = createRandom(1, 'search');

const service = await createDynamoDb({
  clock: createClock(),
  faults: NO_FAULTS,
  authorize: () => undefined,
  log: () => undefined,
});
const server = await startAwsServer(service);
const client = new DynamoDBClient(server.client());

/** Returns the calls and read units since its last call. */
const spent = { calls: 0, readUnits: 0, rows: 0 };
client.middlewareStack.add(
  (next) => async (args) => {
    const input = args.input as { RequestItems?: Record<string, unknown[]>; ReturnConsumedCapacity?: string };
    spent.calls += 1;
    const written = input.RequestItems?.[TableName];
    if (Array.isArray(written)) spent.rows += written.length;
    const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
    const { ConsumedCapacity } = result.output as { ConsumedCapacity?: unknown };
    const units = [ConsumedCapacity].flat() as ({ CapacityUnits?: number } | undefined)[];
    spent.readUnits += units.reduce((sum, each) => sum + (each?.CapacityUnits ?? 0), 0);
    return result;
  },
  { step: 'initialize' },
);

function take(): typeof spent {
  const taken = { ...spent };
  Object.assign(spent, { calls: 0, readUnits: 0, rows: 0 });
  return taken;
}

/** Picks a word. Word 0 is the most common, and the nth is about n times as rare, as in human languages. */
function word(): string {
  return wordOf(Math.floor(vocabulary ** random()) - 1);
}

/** Makes a word of letters alone: the tokenizer would also index the parts of a word with digits. */
function wordOf(rank: number): string {
  const letters = [...String(rank)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
  return `${'aeiou'[rank % 5]}${'bcdfgklmnprst'[rank % 13]}word${letters}`;
}

function message(number: number) {
  return {
    id: `m${number}`,
    serial: serialFloor(START_MS + number),
    from: { user: 'alice' },
    to: { room: 'lobby' },
    data: { text: Array.from({ length: wordsPerMessage }, word).join(' ') },
    sentAt: START_MS + number,
  };
}

await client.send(
  new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['address', 'serial'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: [
      { AttributeName: 'address', KeyType: 'HASH' },
      { AttributeName: 'serial', KeyType: 'RANGE' },
    ],
  }),
);
const table = { client, tableName: TableName, now: Date.now };
const log = createDynamoDbMessageLog(table);
const index = createDynamoDbSearchIndex(table);
const indexMessages = createIndexMessages(index, {});
const claims = { tokenExpiresAt: expiresAt, capability: {} };
const search = createSearch({
  permit: async () => ({ ok: true, value: claims }),
  index,
  transcripts: createDynamoDbTranscripts(table),
});

const all = Array.from({ length: messages }, (_, number) => message(number));
await mapConcurrently(all, CONCURRENCY, (each) => log.append(LOBBY, each, expiresAt));
take();
const startedAt = performance.now();
await mapConcurrently(all, CONCURRENCY, (each) =>
  indexMessages([{ transcript: LOBBY, address: LOBBY, message: each, expiresAt }]),
);
const indexing = take();
const seconds = (performance.now() - startedAt) / 1000;
print(`indexed ${messages} messages of ${wordsPerMessage} words in ${seconds.toFixed(1)} s`);
print(`  ${(indexing.rows / messages).toFixed(1)} rows, in ${(indexing.calls / messages).toFixed(2)} calls, a message`);

await measure('a rare word', wordOf(vocabulary - 100));
await measure('the most common word', wordOf(0));
await measure('a beginning of two letters', wordOf(0).slice(0, 2));
await measure('two common words', `${wordOf(0)} ${wordOf(1)}`);
await measure('a compound of two common words', `${wordOf(0)}-${wordOf(1)}`);
await measure('three words, the last unfinished', `${wordOf(0)} ${wordOf(1)} ${wordOf(2).slice(0, 3)}`);
await measure('nothing that is there', 'absent');
client.destroy();
await server.close();

async function measure(name: string, text: string): Promise<void> {
  const times: number[] = [];
  let found = '';
  for (let run = 0; run < SEARCHES; run += 1) {
    const began = performance.now();
    const reply = await search(
      { connectionId: 'c', userId: 'alice', ...claims },
      { conversation: { room: 'lobby' }, text },
    );
    times.push(performance.now() - began);
    found = reply.ok ? `${reply.value.messages.length}${reply.value.next ? ' and more' : ''}` : reply.problem.code;
  }
  const { calls, readUnits } = take();
  const [fastest = 0, median = 0] = [0, SEARCHES / 2].map((at) => times.toSorted((a, b) => a - b)[at]);
  const each = (total: number) => (total / SEARCHES).toFixed(1);
  print(
    `${name.padEnd(34)} ${found.padStart(12)}  ${each(calls).padStart(5)} calls  ${each(readUnits).padStart(7)} read units  ${fastest.toFixed(0)}–${median.toFixed(0)} ms (fastest, median)`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
