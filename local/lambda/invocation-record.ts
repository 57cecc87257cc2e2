import type { DestinationMessage } from './destinations.ts';
import type { Outcome } from './environment.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { errorOf } from './outcome.ts';

/** Why an asynchronous invocation ended. */
export type Condition = 'Success' | 'RetriesExhausted' | 'EventAgeExceeded';

export interface EndedInvocation {
  readonly requestId: string;
  /** The event, as JSON text. */
  readonly payload: string;
  /** The last outcome. Absent if the function never ran. */
  readonly outcome: Outcome | undefined;
  readonly invokeCount: number;
  readonly trace: string;
}

/**
 * The record for a destination. Source:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-async-destinations
 */
export function destinationRecord(
  { configuration }: LambdaFunction,
  condition: Condition,
  { requestId, payload, outcome, invokeCount, trace }: EndedInvocation,
  nowMs: number,
): DestinationMessage {
  const error = outcome && errorOf(outcome, requestId, configuration);
  const body = JSON.stringify({
    version: '1.0',
    timestamp: new Date(nowMs).toISOString(),
    requestContext: {
      requestId,
      functionArn: `${configuration.arn}:$LATEST`,
      condition,
      approximateInvokeCount: invokeCount,
    },
    requestPayload: JSON.parse(payload),
    ...(outcome && {
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        ...(error && { functionError: 'Unhandled' }),
      },
      responsePayload: outcome.kind === 'ok' ? JSON.parse(outcome.payload) : error,
    }),
  });
  return { body, trace };
}

/** "The first 1 KB of the error message" (the same page, on dead-letter queues). */
const MAX_ERROR_MESSAGE_CHARACTERS = 1024;

/** The message for a dead-letter queue: the event itself. */
export function deadLetter({ configuration }: LambdaFunction, ended: EndedInvocation): DestinationMessage {
  const error = ended.outcome && errorOf(ended.outcome, ended.requestId, configuration);
  return {
    body: ended.payload,
    trace: ended.trace,
    attributes: {
      RequestID: { DataType: 'String', StringValue: ended.requestId },
      ErrorCode: { DataType: 'Number', StringValue: '200' },
      ...(error?.errorMessage && {
        ErrorMessage: { DataType: 'String', StringValue: error.errorMessage.slice(0, MAX_ERROR_MESSAGE_CHARACTERS) },
      }),
    },
  };
}
