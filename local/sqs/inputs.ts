import * as v from 'valibot';
import { record } from '../record.ts';
import { AwsError } from '../service.ts';
import {
  MAX_DELAY_SECONDS,
  MAX_MESSAGE_ATTRIBUTES,
  MAX_RECEIVED_MESSAGES,
  MAX_VISIBILITY_TIMEOUT_SECONDS,
  MAX_WAIT_SECONDS,
} from './limits.ts';

const upTo = (max: number, min = 0) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const names = v.optional(v.array(v.string()), []);

const attribute = v.pipe(
  v.strictObject({
    DataType: v.pipe(v.string(), v.regex(/^(String|Number|Binary)(\..+)?$/)),
    StringValue: v.optional(v.string()),
    BinaryValue: v.optional(v.string()),
  }),
  v.check(
    ({ DataType, StringValue, BinaryValue }) =>
      DataType.startsWith('Binary') ? BinaryValue !== undefined : StringValue !== undefined,
    'a value of the type that DataType says',
  ),
);

const attributes = v.pipe(record(attribute), v.maxEntries(MAX_MESSAGE_ATTRIBUTES));

const message = {
  MessageBody: v.pipe(v.string(), v.nonEmpty()),
  DelaySeconds: v.optional(upTo(MAX_DELAY_SECONDS)),
  MessageAttributes: v.optional(attributes, {}),
  // "Currently, the only supported message system attribute is AWSTraceHeader" (API_SendMessage.html).
  MessageSystemAttributes: v.optional(v.strictObject({ AWSTraceHeader: v.optional(attribute) }), {}),
};

const queue = { QueueUrl: v.string() };
const receipt = { ReceiptHandle: v.string() };
const visibility = { ...receipt, VisibilityTimeout: upTo(MAX_VISIBILITY_TIMEOUT_SECONDS) };
const entries = <const TEntries extends v.ObjectEntries>(of: TEntries) => ({
  ...queue,
  Entries: v.array(v.strictObject({ Id: v.string(), ...of })),
});

/** The inputs of the supported operations. SQS refuses other operations and members by name. */
export const INPUTS = {
  SendMessage: v.strictObject({ ...queue, ...message }),
  SendMessageBatch: v.strictObject(entries(message)),
  ReceiveMessage: v.strictObject({
    ...queue,
    AttributeNames: names,
    MessageSystemAttributeNames: names,
    MessageAttributeNames: names,
    MaxNumberOfMessages: v.optional(upTo(MAX_RECEIVED_MESSAGES, 1), 1),
    VisibilityTimeout: v.optional(upTo(MAX_VISIBILITY_TIMEOUT_SECONDS)),
    WaitTimeSeconds: v.optional(upTo(MAX_WAIT_SECONDS)),
  }),
  DeleteMessage: v.strictObject({ ...queue, ...receipt }),
  DeleteMessageBatch: v.strictObject(entries(receipt)),
  ChangeMessageVisibility: v.strictObject({ ...queue, ...visibility }),
  ChangeMessageVisibilityBatch: v.strictObject(entries(visibility)),
  GetQueueUrl: v.strictObject({ QueueName: v.string(), QueueOwnerAWSAccountId: v.optional(v.string()) }),
  GetQueueAttributes: v.strictObject({ ...queue, AttributeNames: names }),
  PurgeQueue: v.strictObject(queue),
} as const;

export type Operation = keyof typeof INPUTS;

export type Input<O extends Operation> = v.InferOutput<(typeof INPUTS)[O]>;

export function isOperation(name: string): name is Operation {
  return Object.hasOwn(INPUTS, name);
}

/** Checks an input. @throws AwsError naming the missing, wrong or unsupported member */
export function readInput<O extends Operation>(operation: O, input: unknown): Input<O> {
  const result = v.safeParse(INPUTS[operation], input);
  if (result.success) return result.output as Input<O>;
  const [issue] = result.issues;
  const member = v.getDotPath(issue) ?? '';
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    throw new AwsError('UnsupportedOperation', `${operation}: the parameter ${member} is not supported locally.`);
  }
  if (issue.received === 'undefined') {
    throw new AwsError('MissingParameter', `The request must contain the parameter ${member}.`);
  }
  throw new AwsError(
    'InvalidParameterValue',
    `Value ${issue.received} for parameter ${member} is invalid. Reason: expected ${issue.expected ?? issue.message}.`,
  );
}
