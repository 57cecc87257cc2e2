import {
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { createClock } from '../../local/clock.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import type { Resource } from '../../local/service.ts';
import { createSqs, type SqsOptions, type SqsService } from '../../local/sqs/index.ts';
import { type AwsServer, provision, resource, startAwsServer } from './aws-server.ts';

/** The local cloud's SQS behind a port, with an AWS SDK client for it. */
export interface SqsBench {
  readonly sqs: SqsService;
  readonly client: SQSClient;
  readonly server: AwsServer;
  /** Creates a queue with a name of its own. Returns its URL. */
  queue(properties?: Resource['properties']): Promise<string>;
  send(queueUrl: string, body: string): Promise<string>;
  /** Receives up to ten messages. */
  receive(queueUrl: string, input?: Partial<ReceiveMessageCommandInput>): Promise<Message[]>;
  close(): Promise<void>;
}

export async function startSqsBench(options: Partial<SqsOptions> = {}): Promise<SqsBench> {
  const sqs = await createSqs({
    clock: createClock(),
    faults: NO_FAULTS,
    authorize: () => undefined,
    log: () => undefined,
    ...options,
  });
  const server = await startAwsServer(sqs);
  const client = new SQSClient(server.client());
  let count = 0;
  return {
    sqs,
    client,
    server,
    async queue(properties = {}) {
      return (await provision(sqs, resource('AWS::SQS::Queue', properties, `Queue${count++}`))).ref;
    },
    async send(QueueUrl, MessageBody) {
      const { MessageId = '' } = await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
      return MessageId;
    },
    async receive(QueueUrl, input = {}) {
      const answer = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...input }));
      return answer.Messages ?? [];
    },
    async close() {
      client.destroy();
      await server.close();
    },
  };
}

/** Returns the ARN of a queue from its URL. */
export function arnOf(queueUrl: string): string {
  return `arn:aws:sqs:us-east-1:000000000000:${queueUrl.slice(queueUrl.lastIndexOf('/') + 1)}`;
}
