import type { Clock } from '../../clock.ts';
import type { Json, JsonAnswer } from '../../json-protocol.ts';
import type { Log } from '../../service.ts';
import { type CallOptions, type Engine, errorAnswer } from '../engine.ts';
import { unsupportedParameters } from './actions.ts';
import { createDynalite, type Dynalite } from './dynalite.ts';
import { type ExpiryOptions, startExpiry } from './expiry.ts';
import { prefixes } from './space.ts';
import { openStorage, type Storage } from './storage.ts';
import { describeTimeToLive, saveSettings, settingsOf, updateTimeToLive } from './table-settings.ts';

export interface BuiltinOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The folder that keeps the tables. Default: tables are in memory. */
  readonly directory?: string;
  /** Whether calls may request stale answers. Default: false. */
  readonly remembersPast?: boolean;
  readonly expiry?: ExpiryOptions;
}

type Handler = (tableName: string, input: Json, options: CallOptions) => Promise<JsonAnswer>;

/**
 * Creates a DynamoDB in this process: dynalite's validation, expressions and operations, on LevelDB.
 * @throws Error naming a directory that does not open
 */
export async function createBuiltinEngine(options: BuiltinOptions): Promise<Engine> {
  const storage = await openStorage(options);
  const dynalite = createDynalite(storage, options.clock);
  const own = ownOperations(storage, dynalite);
  const deleteItem = (input: Json) => dynalite('DeleteItem', input);
  const stopExpiry = startExpiry({ ...options, storage, deleteItem }, options.expiry);
  return {
    canBeStale: true,
    async call(operation, input, callOptions = {}) {
      const unsupported = unsupportedParameters(operation, input);
      if (unsupported) return errorAnswer('ValidationException', unsupported);
      const handler = own.get(operation);
      if (!handler) return dynalite(operation, input, callOptions);
      const tableName = String(input['TableName']);
      const exists = operation === 'CreateTable' || storage.get(prefixes.table + tableName) !== undefined;
      return exists ? handler(tableName, input, callOptions) : dynalite('DescribeTable', { TableName: tableName });
    },
    async close() {
      await stopExpiry();
      await storage.close();
    },
  };
}

/** The operations that dynalite lacks, and those that it does not do completely. */
function ownOperations(storage: Storage, dynalite: Dynalite): ReadonlyMap<string, Handler> {
  const protect = (tableName: string, deletionProtected: boolean) =>
    saveSettings(storage, tableName, { ...settingsOf(storage, tableName), deletionProtected });
  const describeTable: Handler = async (tableName) => {
    const { statusCode, body } = await dynalite('DescribeTable', { TableName: tableName });
    const DeletionProtectionEnabled = settingsOf(storage, tableName).deletionProtected ?? false;
    return { statusCode, body: { Table: { ...(body['Table'] as Json), DeletionProtectionEnabled } } };
  };
  return new Map<string, Handler>([
    ['DescribeTable', describeTable],
    [
      'CreateTable',
      async (tableName, input) => {
        const isProtected = input['DeletionProtectionEnabled'] === true;
        const answer = await dynalite('CreateTable', input);
        if (answer.statusCode === 200 && isProtected) await protect(tableName, true);
        return answer;
      },
    ],
    [
      'UpdateTable',
      async (tableName, input, options) => {
        await protect(tableName, input['DeletionProtectionEnabled'] === true);
        const { statusCode, body } = await describeTable(tableName, input, options);
        return { statusCode, body: { TableDescription: body['Table'] } };
      },
    ],
    [
      'DeleteTable',
      async (tableName, input) => {
        if (!settingsOf(storage, tableName).deletionProtected) return dynalite('DeleteTable', input);
        const message = `Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first. Table: ${tableName}`;
        return errorAnswer('ValidationException', message);
      },
    ],
    ['DescribeTimeToLive', async (tableName) => describeTimeToLive(storage, tableName)],
    ['UpdateTimeToLive', (tableName, input) => updateTimeToLive(storage, tableName, input)],
  ]);
}
