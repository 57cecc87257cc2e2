import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Address, Transcript } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Hit, Hits, SearchIndex } from '../search/search-index.ts';
import { type Item, number, numberOf, textOf } from './attributes.ts';
import { toEntry } from './message-item.ts';
import { readItems } from './read-items.ts';
import { keyOf, messageKey, partitionOf } from './tables.ts';
import { writeItems } from './write-items.ts';

/** Rows of one word that one query reads. */
const ROWS_AT_ONCE = 250;

/** A serial has 26 characters, and whatever follows a word and "#" sorts below "~". */
const SERIAL_LENGTH = 26;

/** The search index in the messages table. `of` is the address whose log has the message. */
export function createDynamoDbSearchIndex(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): SearchIndex {
  const { client, tableName: TableName, now } = options;

  async function query(transcript: Transcript, condition: string, values: Item, more: Partial<QueryCommandInput>) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: `address = :partition AND ${condition}`,
        FilterExpression: 'expiresAt > :now',
        ProjectionExpression: 'serial, #of',
        ExpressionAttributeNames: { '#of': 'of' },
        ExpressionAttributeValues: {
          ...values,
          ':partition': { S: partitionOf('searchRow', { transcript }) },
          ':now': number(toSeconds(now())),
        },
        ...more,
      }),
    );
    return { hits: Items.map(toHit), last: LastEvaluatedKey && textOf(LastEvaluatedKey, 'serial') };
  }

  return {
    async add(transcript, { serial, address }, words, expiresAt) {
      const requests = words.map((word) => ({
        PutRequest: {
          Item: {
            ...keyOf('searchRow', { transcript, word, serial }),
            of: { S: address },
            expiresAt: number(expiresAt),
          },
        },
      }));
      await writeItems(client, TableName, requests);
    },

    async find(transcript, word, before): Promise<Hits> {
      const values = { ':first': { S: `${word}#` }, ':last': { S: `${word}#${before ?? '~'}` } };
      const input = { ScanIndexForward: false, Limit: ROWS_AT_ONCE };
      const { hits, last } = await query(transcript, 'serial BETWEEN :first AND :last', values, input);
      const below = hits.filter(({ serial }) => serial !== before);
      return { hits: below, ...(last !== undefined && { next: serialIn(last) }) };
    },

    async findPrefix(transcript, prefix, from): Promise<Hits> {
      const ExclusiveStartKey = from && {
        address: { S: partitionOf('searchRow', { transcript }) },
        serial: { S: from },
      };
      const values = { ':prefix': { S: prefix } };
      const { hits, last } = await query(transcript, 'begins_with(serial, :prefix)', values, {
        ...(ExclusiveStartKey && { ExclusiveStartKey }),
      });
      return { hits, ...(last !== undefined && { next: last }) };
    },

    async fetch(hits) {
      const keys = hits.map(({ address, serial }) => messageKey(address, serial));
      const items = await readItems(client, TableName, keys, { consistent: false });
      const alive = items.filter((item) => numberOf(item, 'expiresAt') > toSeconds(now()));
      const entries = new Map(alive.map((item) => [textOf(item, 'serial'), toEntry(item)]));
      return hits.flatMap(({ serial }) => entries.get(serial) ?? []);
    },
  };
}

function toHit(item: Item): Hit {
  return { serial: serialIn(textOf(item, 'serial')), address: textOf(item, 'of') as Address };
}

function serialIn(sortKey: string): string {
  return sortKey.slice(-SERIAL_LENGTH);
}
