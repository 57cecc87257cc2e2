import {
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { Transcript } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { PAIR_INDEX } from '../config.ts';
import type { Position, Transcripts } from '../transcripts.ts';
import { type Item, number, textOf } from './attributes.ts';
import { toEntry, toMessage } from './message-item.ts';

/** Entries that are looked at with one query while counting, and how many queries there are at most. */
const COUNTED_AT_ONCE = 200;
const MAX_COUNTING_QUERIES = 5;

/** The part of a query that differs: which serials, and what of them. */
interface Wanted extends Partial<QueryCommandInput> {
  /** A condition on `serial`. Absent: all of them. */
  readonly serials?: string;
  readonly values?: Item;
}

/** Transcripts in the messages table: those of rooms are their logs, those of pairs are in an index. */
export function createDynamoDbTranscripts(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Transcripts {
  const { client, tableName: TableName, now } = options;

  function query(transcript: Transcript, { serials, values, ...more }: Wanted): Promise<QueryCommandOutput> {
    const isRoom = transcript.startsWith('room#');
    return client.send(
      new QueryCommand({
        TableName,
        // An index is never strongly consistent; a log can be, and whoever joins a room asks for what was said until now.
        ...(isRoom ? { ConsistentRead: true } : { IndexName: PAIR_INDEX }),
        ...more,
        KeyConditionExpression: `${isRoom ? 'address' : PAIR_INDEX} = :transcript${serials ? ` AND ${serials}` : ''}`,
        FilterExpression: `expiresAt > :now${more.FilterExpression ? ` AND ${more.FilterExpression}` : ''}`,
        ExpressionAttributeValues: {
          ...values,
          ':transcript': { S: transcript },
          ':now': number(toSeconds(now())),
        },
      }),
    );
  }

  async function* queries(transcript: Transcript, wanted: Wanted) {
    for (let page: Wanted | undefined = wanted; page; ) {
      const output: QueryCommandOutput = await query(transcript, page);
      page = output.LastEvaluatedKey && { ...wanted, ExclusiveStartKey: output.LastEvaluatedKey };
      yield output;
    }
  }

  return {
    async read(transcript, from, limit) {
      const wanted = { ...serialsFrom(from), ScanIndexForward: 'after' in from, Limit: limit };
      const { Items = [], LastEvaluatedKey } = await query(transcript, wanted);
      return { entries: Items.map(toEntry), ...(LastEvaluatedKey && { next: textOf(LastEvaluatedKey, 'serial') }) };
    },

    async find(transcript, ids, { first, last }) {
      const idValues = Object.fromEntries([...new Set(ids)].map((id, index) => [`:id${index}`, { S: id }]));
      const found: Item[] = [];
      const wanted = {
        serials: 'serial BETWEEN :first AND :last',
        FilterExpression: `id IN (${Object.keys(idValues).join()})`,
        values: { ...idValues, ':first': { S: first }, ':last': { S: last } },
      };
      for await (const { Items = [] } of queries(transcript, wanted)) found.push(...Items);
      return found.map(toMessage);
    },

    async count(transcript, { after, except, limit }) {
      let count = 0;
      let asked = 0;
      const wanted = {
        ...serialsFrom({ after }),
        Select: 'COUNT',
        Limit: COUNTED_AT_ONCE,
        FilterExpression: '#from <> :except',
        ExpressionAttributeNames: { '#from': 'from' },
      } as const;
      const values = { ...wanted.values, ':except': { S: JSON.stringify(except) } };
      for await (const { Count = 0, LastEvaluatedKey } of queries(transcript, { ...wanted, values })) {
        count += Count;
        asked += 1;
        if (count > limit) return { count: limit, more: true };
        if (LastEvaluatedKey && asked === MAX_COUNTING_QUERIES) return { count, more: true };
      }
      return { count, more: false };
    },
  };
}

function serialsFrom(from: Position): Pick<Wanted, 'serials' | 'values'> {
  if ('after' in from) return { serials: 'serial > :after', values: { ':after': { S: from.after } } };
  if (from.before === undefined) return {};
  return { serials: 'serial < :before', values: { ':before': { S: from.before } } };
}
