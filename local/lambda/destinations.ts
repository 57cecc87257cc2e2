import { propertyError } from '../resource-properties.ts';
import type { Authorize, Log, Resource } from '../service.ts';
import { type Queues, senderIdOf } from '../sqs/index.ts';
import type { Enqueue } from './enqueue.ts';
import type { Functions } from './functions.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { requireRolePermissions, roleOf } from './role-permissions.ts';

/** A message for a queue or a function. */
export interface DestinationMessage {
  readonly body: string;
  readonly attributes?: Readonly<Record<string, { readonly DataType: string; readonly StringValue: string }>>;
  /** The trace header of the invocation that it is about. */
  readonly trace: string;
}

/** The destinations of asynchronous invocations: SQS queues and functions, by ARN. */
export interface Destinations {
  /** @throws Error naming the resource, if the destination does not exist or the function's role may not use it */
  check(arn: string, source: LambdaFunction, resource: Resource, property: string): void;
  /** Delivers as the function's role. A failure loses the message, as on AWS, and is logged. */
  deliver(arn: string, source: LambdaFunction, message: DestinationMessage): Promise<void>;
}

export interface DestinationsOptions {
  readonly authorize: Authorize;
  readonly log: Log;
  readonly functions: Functions;
  readonly queues: Queues | undefined;
  /** Accepts an event for asynchronous invocation. */
  readonly enqueue: Enqueue;
}

const isFunctionArn = (arn: string) => arn.startsWith('arn:aws:lambda:');
const actionFor = (arn: string) => (isFunctionArn(arn) ? 'lambda:InvokeFunction' : 'sqs:SendMessage');

export function createDestinations({ authorize, log, functions, queues, enqueue }: DestinationsOptions): Destinations {
  const put = async (arn: string, source: LambdaFunction, { body, attributes, trace }: DestinationMessage) => {
    const principal = roleOf(source.configuration);
    authorize(principal, actionFor(arn), arn);
    if (isFunctionArn(arn)) enqueue(functions.get(arn), body, trace);
    else {
      const message = { body, senderId: senderIdOf(principal), traceHeader: trace, ...(attributes && { attributes }) };
      await queues?.find(arn)?.send([message]);
    }
  };
  return {
    check(arn, source, resource, property) {
      if (!isFunctionArn(arn) && !queues?.find(arn)) {
        throw propertyError(
          resource,
          property,
          `expected the ARN of a queue or a function of the template, got ${arn}`,
        );
      }
      if (isFunctionArn(arn)) functions.get(arn);
      requireRolePermissions(authorize, source.configuration, [actionFor(arn)], arn, resource);
    },
    async deliver(arn, source, message) {
      try {
        await put(arn, source, message);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const { name } = source.configuration;
        log({ level: 'error', source: 'lambda', message: `${name}: nothing was delivered to ${arn}: ${reason}` });
      }
    },
  };
}
