import type { ByePush, Message } from '../protocol/index.ts';
import type { Address } from './address.ts';
import type { Spared } from './delivery.ts';
import type { Mapping } from './directory.ts';
import type { ConnectionIdRange } from './fan-out.ts';
import type { Indexable } from './search-index.ts';

/** Closes a connection that has missed a message; its client comes back and resumes. */
export interface CloseTask extends Pick<Mapping, 'connectionId' | 'callbackUrl'> {
  readonly kind: 'close';
}

/** Tells a connection why it has to go, and closes it. From then on nothing is delivered to it. */
export interface DisconnectTask extends Pick<Mapping, 'connectionId' | 'userId' | 'callbackUrl'> {
  readonly kind: 'disconnect';
  readonly bye: Omit<ByePush, 'type'>;
  /** Whether to let it be if it is registered and its token good. @default false */
  readonly unlessLive?: boolean;
  /** @default 0 */
  readonly delaySeconds?: number;
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

export type Task = CloseTask | DisconnectTask | DeliverTask | IndexTask;

/** Work that is done behind the scenes, at a pace of its own, by the `work` function. */
export interface Tasks {
  /** Resolves when all of them will be done at least once. */
  add(tasks: readonly Task[]): Promise<void>;
}
