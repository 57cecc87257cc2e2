import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { OFFENCE_WINDOW_MS, type Offences } from '../gate/offences.ts';
import { number, numberOf } from './attributes.ts';
import { updateIf } from './conditional-write.ts';
import { expiresAfter, hasExpired } from './conditions.ts';
import { keyOf } from './tables.ts';

/**
 * Offences in the connections table. Each item is one minute of one connection, and expires when the minute is over.
 */
export function createDynamoDbOffences(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly now: Now;
}): Offences {
  const { client, tableName: TableName, now } = options;

  return {
    add: async function add({ userId, connectionId }, offences): Promise<number> {
      const nowMs = now();
      const Key = keyOf('offences', { user: userAddress(userId), connectionId });
      const goesOn = await updateIf(client, expiresAfter(nowMs), {
        TableName,
        Key,
        UpdateExpression: 'ADD offences :offences',
        ReturnValues: 'UPDATED_NEW',
        values: { ':offences': number(offences) },
      });
      if (goesOn.held) return numberOf(goesOn.item, 'offences');
      const begins = await updateIf(client, hasExpired(nowMs), {
        TableName,
        Key,
        UpdateExpression: 'SET offences = :offences, expiresAt = :expiresAt',
        values: { ':offences': number(offences), ':expiresAt': number(toSeconds(nowMs + OFFENCE_WINDOW_MS)) },
      });
      // Another environment began the minute in between.
      return begins.held ? offences : add({ userId, connectionId }, offences);
    },
  };
}
