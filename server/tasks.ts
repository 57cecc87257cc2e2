import type { ByePush, Message, PresenceReply } from '../protocol/index.ts';
import type { Address, PresenceAddress } from './address.ts';
import type { Mapping } from './connections/directory.ts';
import type { Indexable } from './search/search-index.ts';
import type { ConnectionIdRange, Spared } from './sending/fan-out.ts';

/** A task that is not to be done at once. */
interface Delayed {
  /** Whole seconds, at most {@link MAX_DELAY_SECONDS}. @default 0 */
  readonly delaySeconds?: number;
}

/** Closes a connection that has missed a message; its client comes back and resumes. */
export interface CloseTask extends Pick<Mapping, 'connectionId' | 'callbackUrl'> {
  readonly kind: 'close';
}

/** Tells a connection why it has to go, and closes it. From then on nothing is delivered to it. */
export interface DisconnectTask extends Delayed, Pick<Mapping, 'connectionId' | 'userId' | 'callbackUrl'> {
  readonly kind: 'disconnect';
  readonly bye: Omit<ByePush, 'type'>;
  /** Whether to let it be if it is registered and its token good. @default false */
  readonly unlessLive?: boolean;
}

/** Delivers messages to the connections of an address whose ids are in a range. */
export interface DeliverTask {
  readonly kind: 'deliver';
  readonly address: Address;
  readonly messages: readonly Message[];
  readonly range: ConnectionIdRange;
  readonly spared?: Spared;
}

/** Indexes messages by their words. */
export interface IndexTask {
  readonly kind: 'index';
  readonly messages: readonly Indexable[];
}

/** Looks whether a user is at an address, and announces it if that is new. */
export interface PresenceTask extends Delayed {
  readonly kind: 'presence';
  readonly address: Address;
  readonly userId: string;
}

/** Looks whether everybody who was announced at a watched address is still there: connections can die without a trace. */
export interface SweepTask extends Delayed {
  readonly kind: 'sweep';
  readonly address: Address;
  /** Epoch milliseconds: when it is to be done. Tells it from others for the same address. */
  readonly due: number;
}

/** Tells those who watch an address, as far as their connection ids are in a range, what is new there. */
export interface AnnounceTask {
  readonly kind: 'announce';
  readonly topic: PresenceAddress;
  readonly frame: PresenceReply;
  readonly range: ConnectionIdRange;
}

export type Task = CloseTask | DisconnectTask | DeliverTask | IndexTask | PresenceTask | SweepTask | AnnounceTask;

/**
 * The longest delay of a task, in seconds.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html (read 2026-11)
 */
export const MAX_DELAY_SECONDS = 900;

/** Work that is done behind the scenes, at a pace of its own, by the `tasks` function. */
export interface Tasks {
  /** Resolves when all of them will be done at least once. */
  add(tasks: readonly Task[]): Promise<void>;
}
