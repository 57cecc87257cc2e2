import type { ConsumedCapacity, DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A DynamoDB client that counts the units of its calls, except those whose condition fails. */
export interface MeteredClient {
  readonly client: DynamoDBClient;
  /** Write units since the last `reset`. */
  written(): number;
  /** Read units since the last `reset`. */
  read(): number;
  reset(): void;
}

/** The operations that consume read units. */
const READING = /^(?:Get|BatchGet|Query|Scan)/;

export function createMeteredClient(client: DynamoDBClient): MeteredClient {
  let written = 0;
  let read = 0;
  client.middlewareStack.add(
    (next, context) => async (request) => {
      Object.assign(request.input, { ReturnConsumedCapacity: 'TOTAL' });
      const answer = await next(request);
      const { ConsumedCapacity = [] } = answer.output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] };
      for (const { CapacityUnits = 0 } of [ConsumedCapacity].flat()) {
        if (READING.test(String(context['commandName']))) read += CapacityUnits;
        else written += CapacityUnits;
      }
      return answer;
    },
    { step: 'initialize' },
  );
  return {
    client,
    written: () => written,
    read: () => read,
    reset: () => {
      written = 0;
      read = 0;
    },
  };
}
