import {
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { isRoom, type Transcript } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { PAIR_INDEX } from '../config.ts';
import type { Copy, Position, Transcripts } from '../history/transcripts.ts';
import { type Item, number, textOf } from './attributes.ts';
import { COPY_FIELDS, isRetried, toCopy, toEntry } from './message-item.ts';

/** Entries that one query reads while counting, and the most queries of one count. */
const COUNTED_AT_ONCE = 200;
const MAX_COUNTING_QUERIES = 5;

/** Queries that look for copies within one range. Each reads at most 1 MB. */
const MAX_FIND_QUERIES = 5;

/** What differs between queries: the serials, and what is read of them. */
interface Wanted extends Partial<QueryCommandInput> {
  /** A condition on `serial`. Absent: all of them. */
  readonly serials?: string;
  readonly values?: Item;
}

/** Transcripts in the messages table: the transcript of a room is its log, that of a pair is in an index. */
export function createDynamoDbTranscripts(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Transcripts {
  const { client, tableName: TableName, now } = options;

  function query(transcript: Transcript, { serials, values, ...more }: Wanted): Promise<QueryCommandOutput> {
    const isLog = isRoom(transcript);
    return client.send(
      new QueryCommand({
        TableName,
        // An index is never strongly consistent; a log can be. A user who joins a room expects everything up to now.
        ...(isLog ? { ConsistentRead: true } : { IndexName: PAIR_INDEX }),
        ...more,
        KeyConditionExpression: `${isLog ? 'address' : PAIR_INDEX} = :transcript${serials ? ` AND ${serials}` : ''}`,
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

  /** The retried entries of one page of a query. */
  async function retriedIn(transcript: Transcript, page: Wanted): Promise<readonly Copy[]> {
    const { FilterExpression } = page;
    const { Items = [] } = await query(transcript, {
      ...page,
      ...COPY_FIELDS,
      FilterExpression: `attribute_exists(retried)${FilterExpression ? ` AND ${FilterExpression}` : ''}`,
    });
    return Items.map(toCopy);
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
      let asked = 0;
      const wanted = {
        ...COPY_FIELDS,
        serials: 'serial BETWEEN :first AND :last',
        FilterExpression: `id IN (${Object.keys(idValues).join()})`,
        values: { ...idValues, ':first': { S: first }, ':last': { S: last } },
        ScanIndexForward: false,
      };
      for await (const { Items = [] } of queries(transcript, wanted)) {
        found.push(...Items);
        asked += 1;
        if (asked === MAX_FIND_QUERIES) break;
      }
      return found.map(toCopy);
    },

    async count(transcript, { after, except, limit }) {
      const above = serialsFrom({ after });
      const wanted = {
        ...above,
        values: { ...above.values, ':except': { S: JSON.stringify(except) } },
        Limit: COUNTED_AT_ONCE,
        FilterExpression: '#from <> :except',
        ExpressionAttributeNames: { '#from': 'from' },
      } as const;
      let count = 0;
      const retried: Copy[] = [];
      let start: Item | undefined;
      for (let asked = 1; ; asked += 1) {
        const page = { ...wanted, ...(start && { ExclusiveStartKey: start }) };
        // For each entry that is not a retry, the answer has an empty item: hardly more than a number.
        const only = { ...page, ProjectionExpression: 'retried' };
        const { Items = [], LastEvaluatedKey }: QueryCommandOutput = await query(transcript, only);
        count += Items.length;
        if (Items.some(isRetried)) retried.push(...(await retriedIn(transcript, page)));
        if (!LastEvaluatedKey) return { count, retried, more: false };
        if (count - retried.length > limit || asked === MAX_COUNTING_QUERIES) return { count, retried, more: true };
        start = LastEvaluatedKey;
      }
    },
  };
}

function serialsFrom(from: Position): Pick<Wanted, 'serials' | 'values'> {
  if ('after' in from) return { serials: 'serial > :after', values: { ':after': { S: from.after } } };
  if (from.before === undefined) return {};
  return { serials: 'serial < :before', values: { ':before': { S: from.before } } };
}
