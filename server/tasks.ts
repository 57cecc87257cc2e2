import type { ByePush, Message, PresenceReply } from '../protocol/index.ts';
import type { Address, PresenceAddress } from './address.ts';
import type { Mapping } from './connections/directory.ts';
import type { Indexable } from './search/search-index.ts';
import type { ConnectionIdRange } from './sending/fan-out.ts';

/** A task that may start later. */
interface Delayed {
  /** Whole seconds, at most {@link MAX_DELAY_SECONDS}. @default 0 */
  readonly delaySeconds?: number;
}

/** Closes a connection that missed a message; its client comes back and resumes. */
export interface CloseTask extends Pick<Mapping, 'connectionId' | 'callbackUrl'> {
  readonly kind: 'close';
}

/** Tells a connection why it is closed, and closes it. From then on it gets no messages. */
export interface DisconnectTask extends Delayed, Pick<Mapping, 'connectionId' | 'userId' | 'callbackUrl'> {
  readonly kind: 'disconnect';
  readonly bye: Omit<ByePush, 'type'>;
  /** Whether to keep the connection if it is registered and its token is valid. @default false */
  readonly unlessLive?: boolean;
}

/** Posts to a range of an address's connections. `deliver` runs it, and divides a large range. */
interface PartTask extends Delayed {
  readonly range: ConnectionIdRange;
  /** The ids of the connections in the range that have not got the frame. @default all of the range */
  readonly only?: readonly string[];
  /** How many tasks of the same delivery came one after the other before this one. @default 0 */
  readonly hop?: number;
}

/** Delivers messages of one frame to a range of an address's connections. */
export interface DeliverTask extends PartTask {
  readonly kind: 'deliver';
  readonly address: Address;
  readonly messages: readonly Message[];
  /** The id of the connection that sends: it does not get the messages. */
  readonly spared?: string;
}

/** Indexes messages by their words. */
export interface IndexTask {
  readonly kind: 'index';
  readonly messages: readonly Indexable[];
}

/** Checks whether a user is at an address, and tells the watchers if that is new. */
export interface PresenceTask extends Delayed {
  readonly kind: 'presence';
  readonly address: Address;
  readonly userId: string;
}

/** Checks whether the users who count as present at a watched address are: connections can die without a trace. */
export interface SweepTask extends Delayed {
  readonly kind: 'sweep';
  readonly address: Address;
  /** Epoch milliseconds: when the sweep runs. It identifies the sweep among those of the address. */
  readonly due: number;
}

/** Tells a range of an address's watchers what is new there. */
export interface AnnounceTask extends PartTask {
  readonly kind: 'announce';
  readonly topic: PresenceAddress;
  readonly frame: PresenceReply;
}

/** The tasks of `deliver`, which have a queue of their own: a message must not wait behind other work. */
export type DeliveryTask = DeliverTask | AnnounceTask;

/** Whether `deliver` runs the task. */
export function isDelivery(task: Task): task is DeliveryTask {
  return task.kind === 'deliver' || task.kind === 'announce';
}

export type Task = CloseTask | DisconnectTask | DeliverTask | IndexTask | PresenceTask | SweepTask | AnnounceTask;

/**
 * The longest delay of a task, in seconds.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html (read 2026-11)
 */
export const MAX_DELAY_SECONDS = 900;

/** Queues tasks for the functions `deliver` and `tasks`, which run them at their own pace. */
export interface Tasks {
  /** Resolves when each task is certain to run at least once. */
  add(tasks: readonly Task[]): Promise<void>;
}
