import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { monotonicFactory } from 'ulid';
import type { Now } from '../clock.ts';
import { type DirectoryConfig, readDirectoryConfig } from '../config.ts';
import { createDelivery } from '../delivery.ts';
import type { Directory } from '../directory.ts';
import { describeError, type Logger } from '../logger.ts';
import { createSend, type Send } from '../send.ts';
import { createDynamoDbDirectory } from './dynamodb-directory.ts';
import { createManagementApiPoster } from './management-api-poster.ts';

/** How long connecting to DynamoDB and one attempt may take, in milliseconds; it answers in single digits. */
const DYNAMODB_TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true };

/** The directory on DynamoDB. */
export function composeDirectory(now: Now, { connectionsTable }: DirectoryConfig = readDirectoryConfig()): Directory {
  const client = new DynamoDBClient({ requestHandler: DYNAMODB_TIMEOUTS });
  return createDynamoDbDirectory({ client, tableName: connectionsTable, now });
}

/** Sending over the directory and the Management API. */
export function composeSend({ directory, now, log }: { directory: Directory; now: Now; log: Logger }): Send {
  const poster = createManagementApiPoster({
    onFailure: (error) => log({ route: 'post', outcome: 'failed', error: describeError(error) }),
  });
  const delivery = createDelivery({ poster, directory });
  return createSend({ directory, delivery, now, mintSerial: monotonicFactory(), mintId: randomUUID });
}
