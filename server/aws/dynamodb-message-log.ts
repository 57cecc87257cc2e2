import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { MAX_PAGE_MESSAGES, type Message } from '../../protocol/index.ts';
import type { Address } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { PAIR_INDEX } from '../config.ts';
import { createPage } from '../reply-size.ts';
import { MAX_FIND_ENTRIES, type MessageLog } from '../sending/message-log.ts';
import { number, numberOf } from './attributes.ts';
import { toMessage } from './message-item.ts';
import { queryItems } from './read-items.ts';
import { messageKey } from './tables.ts';

/** The log in the messages table. */
export function createDynamoDbMessageLog(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): MessageLog {
  const { client, tableName: TableName, now } = options;

  /** A strongly consistent query for the items above a serial, without expired ones. */
  function inputAfter(address: Address, after: string, more: Partial<QueryCommandInput>): QueryCommandInput {
    const values = { ':address': { S: address }, ':after': { S: after }, ':now': number(toSeconds(now())) };
    return {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'address = :address AND serial > :after',
      ...more,
      FilterExpression: more.FilterExpression ? `expiresAt > :now AND ${more.FilterExpression}` : 'expiresAt > :now',
      ExpressionAttributeValues: { ...values, ...more.ExpressionAttributeValues },
    };
  }

  return {
    async append(address, { serial, id, from, ...body }, expiresAt, { pair, retried } = {}) {
      const Item = {
        ...messageKey(address, serial),
        id: { S: id },
        from: { S: JSON.stringify(from) },
        // As text, because DynamoDB's types do not preserve every JSON value.
        body: { S: JSON.stringify(body) },
        expiresAt: number(expiresAt),
        ...(pair && { [PAIR_INDEX]: { S: pair } }),
        ...(retried && { retried: { BOOL: true } }),
      };
      await client.send(new PutItemCommand({ TableName, Item }));
    },

    async senderOf(address, serial) {
      const place = { TableName, Key: messageKey(address, serial), ConsistentRead: true };
      const { Item } = await client.send(new GetItemCommand(place));
      return Item && numberOf(Item, 'expiresAt') > toSeconds(now()) ? toMessage(Item).from : undefined;
    },

    async read(address, after) {
      const page = createPage(MAX_PAGE_MESSAGES);
      for await (const item of queryItems(client, inputAfter(address, after, { Limit: MAX_PAGE_MESSAGES }))) {
        if (!page.add(toMessage(item))) return { messages: page.messages, more: true };
      }
      return { messages: page.messages, more: false };
    },

    async find(address, from, ids, after) {
      const values = Object.fromEntries(ids.map((id, index) => [`:id${index}`, { S: id }]));
      const wanted = {
        FilterExpression: `#from = :from AND id IN (${Object.keys(values).join()})`,
        ExpressionAttributeNames: { '#from': 'from' },
        ExpressionAttributeValues: { ...values, ':from': { S: JSON.stringify(from) } },
        ScanIndexForward: false,
        Limit: MAX_FIND_ENTRIES,
      };
      // One page: DynamoDB also ends it at a megabyte.
      const { Items = [] } = await client.send(new QueryCommand(inputAfter(address, after, wanted)));
      const found = new Map<string, Message>();
      // The first message under an id comes last, and stays.
      for (const message of Items.map(toMessage)) found.set(message.id, message);
      return found;
    },
  };
}
