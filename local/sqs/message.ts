/** A message attribute in the form of the API, with binary values in base64. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string | undefined;
  readonly BinaryValue?: string | undefined;
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** A message in a queue. Times are epoch milliseconds, in cloud time. */
export interface Message {
  readonly id: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly senderId: string;
  /** The trace of the request that sent the message (`AWSTraceHeader`). */
  readonly traceHeader?: string;
  readonly sentAt: number;
  /** The time until which the message is hidden: it is delayed, or received and not yet deleted. */
  readonly visibleAt: number;
  readonly receiveCount: number;
  /** Absent until the first receipt. */
  readonly firstReceivedAt?: number;
  /** The queue from which the message came to this dead-letter queue. */
  readonly deadLetterSourceArn?: string;
}

/** One receipt of a message. */
export interface Delivery {
  readonly message: Message;
  readonly receiptHandle: string;
}
