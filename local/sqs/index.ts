import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { openStorage } from '../dynamodb/builtin/storage.ts';
import type { Faults } from '../faults.ts';
import { propertyError } from '../resource-properties.ts';
import type { Authorize, AwsService, Log, Provisioned, Resource } from '../service.ts';
import { handleSqs } from './api.ts';
import { createMessageStore } from './message-store.ts';
import { openQueue, type Queue } from './queue.ts';
import { INERT_QUEUE_PROPERTIES, QUEUE_PROPERTIES, readQueue } from './queue-configuration.ts';
import { queuePolicyProvider } from './queue-policy.ts';

export { md5OfAttributes, md5OfBody } from './md5.ts';
export type { Delivery } from './message.ts';
export type { Queue } from './queue.ts';
export { systemAttributes } from './receive.ts';
export { senderIdOf } from './sender-id.ts';

export interface SqsOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly authorize: Authorize;
  readonly log: Log;
  /** The folder whose subfolder `sqs` keeps messages. Default: messages are in memory. */
  readonly dataDirectory?: string;
}

/** The deployed queues, for other services of the local cloud. */
export interface Queues {
  find(queueArn: string): Queue | undefined;
}

export interface SqsService extends AwsService {
  readonly queues: Queues;
}

/**
 * The local cloud's SQS: standard queues.
 * @throws Error naming a data directory that another process uses, or that is unreadable
 */
export async function createSqs(options: SqsOptions): Promise<SqsService> {
  const { clock, faults, authorize, dataDirectory } = options;
  const storage = await openStorage({
    clock,
    ...(dataDirectory !== undefined && { directory: join(dataDirectory, 'sqs') }),
  });
  const byName = new Map<string, Queue>();
  const find = (queueArn: string) => {
    const queue = byName.get(queueArn.slice(queueArn.lastIndexOf(':') + 1));
    return queue?.configuration.arn === queueArn ? queue : undefined;
  };
  const createQueue = async (resource: Resource): Promise<Provisioned> => {
    const configuration = readQueue(resource);
    const { name, arn, url, redrive } = configuration;
    if (byName.has(name)) throw propertyError(resource, 'QueueName', `the template has two queues of the name ${name}`);
    if (redrive && !find(redrive.deadLetterTargetArn)) {
      throw propertyError(resource, 'RedrivePolicy', `the template has no queue ${redrive.deadLetterTargetArn}`);
    }
    const store = createMessageStore(storage, name);
    byName.set(name, await openQueue(configuration, { clock, faults, store, find }));
    return { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
  };
  return {
    name: 'sqs',
    providers: [
      {
        type: 'AWS::SQS::Queue',
        properties: QUEUE_PROPERTIES,
        inertProperties: INERT_QUEUE_PROPERTIES,
        create: createQueue,
      },
      queuePolicyProvider,
    ],
    queues: { find },
    handle: (request) => handleSqs(request, { queues: byName, authorize }),
    async close() {
      for (const queue of byName.values()) queue.close();
      await storage.close();
    },
  };
}
