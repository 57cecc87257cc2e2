import {
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { jsonByteLength, MAX_PUSH_BYTES, type Message } from '../../protocol/index.ts';
import type { Address } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { MessageLog } from '../message-log.ts';
import { type Item, number, textOf } from './attributes.ts';

/** The most messages of one page. */
const MAX_PAGE_MESSAGES = 100;

/** What a page may take of a frame, in bytes; the rest is for the reply around it. */
const MAX_PAGE_BYTES = MAX_PUSH_BYTES - 4 * 1024;

/** The log in a DynamoDB table with the partition key `address` and the sort key `serial`. */
export function createDynamoDbMessageLog(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): MessageLog {
  const { client, tableName: TableName, now } = options;

  /** The items above a serial, page by page, strongly consistent, without those that have expired. */
  async function* itemsAfter(address: Address, after: string, more: Partial<QueryCommandInput> = {}) {
    const values = { ':address': { S: address }, ':after': { S: after }, ':now': number(toSeconds(now())) };
    const input = {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'address = :address AND serial > :after',
      ...more,
      FilterExpression: more.FilterExpression ? `expiresAt > :now AND ${more.FilterExpression}` : 'expiresAt > :now',
      ExpressionAttributeValues: { ...values, ...more.ExpressionAttributeValues },
    };
    let page: QueryCommandInput | undefined = input;
    while (page) {
      const { Items = [], LastEvaluatedKey }: QueryCommandOutput = await client.send(new QueryCommand(page));
      yield* Items;
      page = LastEvaluatedKey && { ...input, ExclusiveStartKey: LastEvaluatedKey };
    }
  }

  return {
    async append(address, { serial, id, from, ...body }, expiresAt) {
      const Item = {
        address: { S: address },
        serial: { S: serial },
        id: { S: id },
        from: { S: JSON.stringify(from) },
        // As text, because DynamoDB's own types do not keep every JSON value as it is.
        body: { S: JSON.stringify(body) },
        expiresAt: number(expiresAt),
      };
      await client.send(new PutItemCommand({ TableName, Item }));
    },

    async read(address, after) {
      const messages: Message[] = [];
      let bytes = 0;
      for await (const item of itemsAfter(address, after, { Limit: MAX_PAGE_MESSAGES })) {
        const message = toMessage(item);
        bytes += jsonByteLength(message) + 1;
        if (messages.length === MAX_PAGE_MESSAGES || bytes > MAX_PAGE_BYTES) return { messages, more: true };
        messages.push(message);
      }
      return { messages, more: false };
    },

    async find(address, from, ids, after) {
      const values = Object.fromEntries(ids.map((id, index) => [`:id${index}`, { S: id }]));
      const wanted = {
        FilterExpression: `#from = :from AND id IN (${Object.keys(values).join()})`,
        ExpressionAttributeNames: { '#from': 'from' },
        ExpressionAttributeValues: { ...values, ':from': { S: JSON.stringify(from) } },
      };
      const found = new Map<string, Message>();
      for await (const item of itemsAfter(address, after, wanted)) {
        const message = toMessage(item);
        if (!found.has(message.id)) found.set(message.id, message);
        if (found.size === new Set(ids).size) break;
      }
      return found;
    },
  };
}

function toMessage(item: Item): Message {
  const from = JSON.parse(textOf(item, 'from'));
  return { id: textOf(item, 'id'), serial: textOf(item, 'serial'), from, ...JSON.parse(textOf(item, 'body')) };
}
