import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import { AwsError } from '../service.ts';
import { MAX_IN_FLIGHT, PURGE_INTERVAL_MS } from './limits.ts';
import type { Delivery, Message, MessageAttributes } from './message.ts';
import type { MessageStore } from './message-store.ts';
import type { QueueConfiguration } from './queue-configuration.ts';
import { decodeReceipt, encodeReceipt } from './receipt-handle.ts';
import { createShelf } from './shelf.ts';
import { createWaitingLine } from './waiting-line.ts';

export interface SendInput {
  readonly body: string;
  readonly attributes?: MessageAttributes;
  readonly senderId: string;
  /** The trace of the request. Default: none. */
  readonly traceHeader?: string;
  /** Default: the queue's. */
  readonly delaySeconds?: number;
}

export interface ReceiveInput {
  readonly maxMessages: number;
  /** Default: the queue's. */
  readonly visibilityTimeoutSeconds?: number;
  /** The time to wait for a message if there is none. Default: the queue's. */
  readonly waitSeconds?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

export interface QueueCounts {
  readonly visible: number;
  /** The number of received messages that are neither deleted nor visible again. */
  readonly inFlight: number;
  readonly delayed: number;
}

/** A standard queue: at least once, in about the order of sending. Its methods throw `AwsError`s. */
export interface Queue {
  readonly configuration: QueueConfiguration;
  /** Epoch milliseconds, in cloud time. */
  readonly openedAt: number;
  counts(): QueueCounts;
  /** Resolves once the messages are durable. */
  send(inputs: readonly SendInput[]): Promise<readonly Message[]>;
  /** Returns some of the messages, or none while it drops expired ones. */
  receive(input: ReceiveInput): Promise<readonly Delivery[]>;
  /** Deletes a message by its latest receipt. An older receipt has no effect, as may happen on AWS with standard queues. */
  delete(receiptHandle: string): Promise<void>;
  changeVisibility(receiptHandle: string, timeoutSeconds: number): Promise<void>;
  purge(): Promise<void>;
  /** Accepts a message of another queue after too many receipts. */
  takeDeadLetter(message: Message): Promise<void>;
  close(): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly store: MessageStore;
  /** Finds the dead-letter queue. */
  readonly find: (queueArn: string) => Queue | undefined;
}

/** Messages from the shelf, by their destination. */
interface Taken {
  readonly delivered: Message[];
  readonly expired: Message[];
  readonly dead: Message[];
}

/** Opens a queue, with the messages of an earlier run in its store. */
export async function openQueue(configuration: QueueConfiguration, options: QueueOptions): Promise<Queue> {
  const { clock, faults, store } = options;
  const { name, redrive } = configuration;
  const line = createWaitingLine<readonly Delivery[]>(clock);
  const shelf = createShelf(clock, line.wake);
  let purgedAt = Number.NEGATIVE_INFINITY;

  const deadLetterQueue = (message: Message): Queue | undefined => {
    if (!redrive || message.receiveCount < redrive.maxReceiveCount) return undefined;
    return options.find(redrive.deadLetterTargetArn);
  };

  /** Synchronous, so that no two receivers take the same message. */
  const take = (input: ReceiveInput): Taken => {
    const taken: Taken = { delivered: [], expired: [], dead: [] };
    const oldestSentAt = clock.now() - configuration.retentionSeconds * 1000;
    for (const message of shelf.visible()) {
      const isFull = taken.delivered.length === input.maxMessages;
      if (isFull || shelf.counts().inFlight + taken.delivered.length >= MAX_IN_FLIGHT) break;
      if (message.sentAt <= oldestSentAt) taken.expired.push(message);
      else if (deadLetterQueue(message)) taken.dead.push(message);
      else taken.delivered.push(message);
    }
    for (const { id } of [...taken.expired, ...taken.dead]) shelf.delete(id);
    return taken;
  };

  const deliver = (message: Message, timeoutSeconds: number): Message => {
    const now = clock.now();
    const firstReceivedAt = message.firstReceivedAt ?? now;
    const visibleAt = now + timeoutSeconds * 1000;
    const delivered = { ...message, receiveCount: message.receiveCount + 1, firstReceivedAt, visibleAt };
    const isDoubled = faults.strike('sqs', { operation: 'ReceiveMessage', queue: name }, ['duplicate']);
    shelf.put(isDoubled ? { ...delivered, visibleAt: now } : delivered);
    return delivered;
  };

  /** Stores received messages, and moves the others to their destination. */
  const settle = async (delivered: readonly Message[], { expired, dead }: Taken): Promise<readonly Delivery[]> => {
    // The dead-letter queue comes first, so a crash in between duplicates a message, and loses none.
    for (const message of dead) {
      await deadLetterQueue(message)?.takeDeadLetter({ ...message, deadLetterSourceArn: configuration.arn });
    }
    const gone = [...expired, ...dead].map(({ id }) => id);
    if (gone.length > 0) await store.delete(gone);
    if (delivered.length > 0) await store.put(delivered);
    return delivered.map((message) => ({ message, receiptHandle: encodeReceipt(name, message) }));
  };

  const tryReceive = (input: ReceiveInput): Promise<readonly Delivery[]> | undefined => {
    const taken = take(input);
    if (taken.delivered.length + taken.expired.length + taken.dead.length === 0) return undefined;
    const timeoutSeconds = input.visibilityTimeoutSeconds ?? configuration.visibilityTimeoutSeconds;
    return settle(
      taken.delivered.map((message) => deliver(message, timeoutSeconds)),
      taken,
    );
  };

  const createMessage = ({ attributes = {}, delaySeconds, ...sent }: SendInput): Message => {
    const now = clock.now();
    const late = faults.strike('sqs', { operation: 'SendMessage', queue: name }, ['late']);
    const delayMs = (delaySeconds ?? configuration.delaySeconds) * 1000 + (late?.delayMs ?? 0);
    return { ...sent, id: randomUUID(), attributes, sentAt: now, visibleAt: now + delayMs, receiveCount: 0 };
  };

  /** Returns the message of a receipt, if that is its latest one. */
  const received = (receiptHandle: string): Message | undefined => {
    const { messageId, receiveCount } = decodeReceipt(name, receiptHandle);
    const message = shelf.get(messageId);
    return message?.receiveCount === receiveCount ? message : undefined;
  };

  for (const message of await store.load()) shelf.put(message);

  return {
    configuration,
    openedAt: clock.now(),
    counts: shelf.counts,
    async send(inputs) {
      const messages = inputs.map(createMessage);
      await store.put(messages);
      for (const message of messages) shelf.put(message);
      return messages;
    },
    async receive(input) {
      const deliveries = tryReceive(input);
      if (deliveries !== undefined) return deliveries;
      const waitSeconds = input.waitSeconds ?? configuration.waitSeconds;
      if (waitSeconds > 0) {
        return (await line.wait(() => tryReceive(input), waitSeconds * 1000, input.signal)) ?? [];
      }
      if (shelf.counts().inFlight < MAX_IN_FLIGHT) return [];
      throw new AwsError('OverLimit', `The queue ${name} has ${MAX_IN_FLIGHT} messages in flight.`, 403);
    },
    async delete(receiptHandle) {
      const message = received(receiptHandle);
      if (!message) return;
      shelf.delete(message.id);
      await store.delete([message.id]);
    },
    async changeVisibility(receiptHandle, timeoutSeconds) {
      const message = received(receiptHandle);
      if (!message || !shelf.isInFlight(message.id)) {
        throw new AwsError('MessageNotInflight', 'The specified message is not in flight.');
      }
      const changed = { ...message, visibleAt: clock.now() + timeoutSeconds * 1000 };
      shelf.put(changed);
      await store.put([changed]);
    },
    async purge() {
      if (clock.now() - purgedAt < PURGE_INTERVAL_MS) {
        throw new AwsError(
          'PurgeQueueInProgress',
          `Only one PurgeQueue operation on ${name} is allowed every 60 seconds.`,
          403,
        );
      }
      purgedAt = clock.now();
      await store.delete(shelf.clear());
    },
    async takeDeadLetter(message) {
      await store.put([message]);
      shelf.put(message);
    },
    close() {
      line.close();
      shelf.clear();
    },
  };
}
