import { DynamoDBClient, GetItemCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect } from 'vitest';
import type { LocalCloud } from '../../local/index.ts';
import { userAddress } from '../../server/address.ts';
import { keyOf } from '../../server/aws/tables.ts';
import { adminClient } from './local-cloud.ts';

/** The calls, units and posts that an action causes until the system is quiet. */
export interface Effects {
  /** DynamoDB calls. */
  readonly calls: number;
  /** Write units, indexes included. */
  readonly writes: number;
  /** Read units. */
  readonly reads: number;
  /** Posts to connections. */
  readonly posts: number;
}

/** Measures the effects of frames in a local cloud. Nothing else may use that cloud meanwhile. */
export interface EffectsMeter {
  /** Runs an action, and waits until only delayed tasks remain. */
  measure(act: () => Promise<unknown>): Promise<Effects>;
  /** The units that the connection has been charged so far. */
  charged(userId: string, connectionId: string): Promise<number>;
  /** Waits until the connection has its whole burst again, so that the gate needs one write. */
  untilIdle(userId: string, connectionId: string): Promise<void>;
  /** When the user budget will be full again, epoch milliseconds; 0 if it was never charged. */
  budgetEndsAt(userId: string): Promise<number>;
  close(): void;
}

export async function createEffectsMeter(cloud: LocalCloud): Promise<EffectsMeter> {
  const dynamoDb = new DynamoDBClient(adminClient(cloud));
  const sqs = new SQSClient({ ...adminClient(cloud), useQueueUrlAsEndpoint: false });
  const { TableNames = [] } = await dynamoDb.send(new ListTablesCommand());
  const TableName = TableNames.find((name) => name.includes('Connections'));

  /** Counts the tasks in all queues that have ever had one. */
  async function waiting(): Promise<number> {
    const puts = cloud.calls().filter(({ operation }) => operation.startsWith('SendMessage'));
    const queueNames = new Set(puts.map(({ resource }) => resource.slice(resource.lastIndexOf(':') + 1)));
    const counts = await Promise.all(
      [...queueNames].map(async (QueueName) => {
        const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
        const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
        const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] });
        const { Attributes = {} } = await sqs.send(command);
        return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name]), 0);
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  const callsOfFunctions = () => cloud.calls().filter(({ principal }) => principal !== 'admin');

  /** Waits until the queues are empty and no call has arrived for several checks in a row. */
  async function untilQuiet(): Promise<void> {
    let seen: unknown;
    let quiet = 0;
    const look = async () => {
      const last = callsOfFunctions().at(-1);
      quiet = last === seen && (await waiting()) === 0 ? quiet + 1 : 0;
      seen = last;
      return quiet;
    };
    await expect.poll(look, { interval: 50, timeout: 60_000 }).toBeGreaterThanOrEqual(3);
  }

  async function read(Key: ReturnType<typeof keyOf>) {
    const { Item = {} } = await dynamoDb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    return Item;
  }

  const connectionItem = (userId: string, connectionId: string) =>
    read(keyOf('connection', { user: userAddress(userId), connectionId }));

  return {
    async measure(act) {
      await untilQuiet();
      // The cloud keeps only the latest calls, so find the earlier last call again instead of its index.
      const before = callsOfFunctions().at(-1);
      await act();
      await untilQuiet();
      const all = callsOfFunctions();
      const calls = all.slice(before === undefined ? 0 : all.indexOf(before) + 1);
      const inTables = calls.filter(({ service }) => service === 'dynamodb');
      return {
        calls: inTables.length,
        writes: inTables.reduce((sum, { units }) => sum + (units?.write ?? 0), 0),
        reads: inTables.reduce((sum, { units }) => sum + (units?.read ?? 0), 0),
        posts: calls.filter(({ operation }) => operation === 'PostToConnection').length,
      };
    },

    charged: async (userId, connectionId) => Number((await connectionItem(userId, connectionId))['charged']?.N ?? 0),

    async untilIdle(userId, connectionId) {
      const arrivesAt = async () => Number((await connectionItem(userId, connectionId))['arrivesAt']?.N ?? 0);
      await expect.poll(async () => (await arrivesAt()) <= Date.now(), { interval: 10, timeout: 60_000 }).toBe(true);
    },

    async budgetEndsAt(userId) {
      return Number((await read(keyOf('budget', { user: userAddress(userId) })))['arrivesAt']?.N ?? 0);
    },

    close() {
      dynamoDb.destroy();
      sqs.destroy();
    },
  };
}
