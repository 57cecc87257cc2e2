import { type Json, serveJson } from '../json-protocol.ts';
import {
  type Authorize,
  AwsError,
  type AwsRequest,
  type AwsResponse,
  LOCAL_ACCOUNT,
  TRACE_HEADER,
} from '../service.ts';
import { queueAttributes } from './attributes.ts';
import { checkBatch, runBatch } from './batch.ts';
import { INPUTS, type Input, isOperation, type Operation, readInput } from './inputs.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import type { Queue } from './queue.ts';
import { queueArn } from './queue-configuration.ts';
import { toReceived } from './receive.ts';
import { type Sender, sizeOf, toSendInput, toSendResult } from './send.ts';
import { senderIdOf } from './sender-id.ts';

export interface ApiOptions {
  /** The deployed queues by name. */
  readonly queues: ReadonlyMap<string, Queue>;
  readonly authorize: Authorize;
}

type Operations = { readonly [O in Operation]: (queue: Queue, input: Input<O>, sender: Sender) => Promise<object> };

const OPERATIONS: Operations = {
  async SendMessage(queue, input, sender) {
    const [message] = await queue.send([toSendInput(queue, input, sender)]);
    return message ? toSendResult(input, message) : {};
  },
  async SendMessageBatch(queue, { Entries }, sender) {
    checkBatch(Entries);
    const bytes = Entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    if (bytes > MAX_MESSAGE_BYTES) {
      throw new AwsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${MAX_MESSAGE_BYTES} bytes. You have sent ${bytes} bytes.`,
      );
    }
    return runBatch(Entries, async (entry) => {
      const [message] = await queue.send([toSendInput(queue, entry, sender)]);
      return message ? toSendResult(entry, message) : {};
    });
  },
  async ReceiveMessage(queue, input) {
    const deliveries = await queue.receive({
      maxMessages: input.MaxNumberOfMessages,
      ...(input.VisibilityTimeout !== undefined && { visibilityTimeoutSeconds: input.VisibilityTimeout }),
      ...(input.WaitTimeSeconds !== undefined && { waitSeconds: input.WaitTimeSeconds }),
    });
    return deliveries.length === 0 ? {} : { Messages: deliveries.map((delivery) => toReceived(delivery, input)) };
  },
  async DeleteMessage(queue, { ReceiptHandle }) {
    await queue.delete(ReceiptHandle);
    return {};
  },
  DeleteMessageBatch: (queue, { Entries }) =>
    runBatch(Entries, async ({ ReceiptHandle }) => {
      await queue.delete(ReceiptHandle);
      return {};
    }),
  async ChangeMessageVisibility(queue, { ReceiptHandle, VisibilityTimeout }) {
    await queue.changeVisibility(ReceiptHandle, VisibilityTimeout);
    return {};
  },
  ChangeMessageVisibilityBatch: (queue, { Entries }) =>
    runBatch(Entries, async ({ ReceiptHandle, VisibilityTimeout }) => {
      await queue.changeVisibility(ReceiptHandle, VisibilityTimeout);
      return {};
    }),
  GetQueueUrl: async ({ configuration }) => ({ QueueUrl: configuration.url }),
  GetQueueAttributes: async (queue, { AttributeNames }) => ({ Attributes: queueAttributes(queue, AttributeNames) }),
  async PurgeQueue(queue) {
    await queue.purge();
    return {};
  },
};

/** Returns the IAM action of an operation. A batch has the action of the single operation. */
const actionOf = (operation: Operation) => `sqs:${operation.replace(/Batch$/, '')}`;

/** SQS's API in its JSON protocol. It refuses operations outside the table by name. */
export async function handleSqs(request: AwsRequest, options: ApiOptions): Promise<AwsResponse> {
  if (request.headers['x-amz-target'] === undefined) {
    throw new AwsError(
      'UnsupportedOperation',
      'SQS answers its JSON protocol only (X-Amz-Target: AmazonSQS.…), which SDKs have used since 2023; the query protocol is not supported locally.',
    );
  }
  return serveJson(request, '1.0', async (operation, input) => {
    if (!isOperation(operation)) {
      const supported = Object.keys(INPUTS).join(', ');
      throw new AwsError('UnsupportedOperation', `${operation} is not supported locally; SQS answers ${supported}.`);
    }
    return { statusCode: 200, body: (await perform(operation, input, request, options)) as Json };
  });
}

async function perform<O extends Operation>(
  operation: O,
  json: Json,
  { principal, headers }: AwsRequest,
  { queues, authorize }: ApiOptions,
): Promise<object> {
  const input = readInput(operation, json);
  const name = 'QueueUrl' in input ? nameInUrl(input.QueueUrl) : input.QueueName;
  authorize(principal, actionOf(operation), queueArn(name));
  const queue = queues.get(name);
  if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
  const trace = headers[TRACE_HEADER];
  const traceHeader = typeof trace === 'string' ? trace : undefined;
  return OPERATIONS[operation](queue, input, { senderId: senderIdOf(principal), traceHeader });
}

/** Finds a queue by the account and the name in its URL. The host does not matter. */
function nameInUrl(queueUrl: string): string {
  const [, account, name] = /^(?:https?:\/\/[^/]+)?\/(\d{12})\/([^/]+)\/?$/.exec(queueUrl) ?? [];
  if (name === undefined)
    throw new AwsError('InvalidAddress', `The address ${queueUrl} is not valid for this endpoint.`, 404);
  if (account !== LOCAL_ACCOUNT) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
  return name;
}
