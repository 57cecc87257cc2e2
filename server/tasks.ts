import type { Message } from '../protocol/index.ts';
import type { Address } from './address.ts';
import type { Spared } from './delivery.ts';
import type { Mapping } from './directory.ts';
import type { ConnectionIdRange } from './fan-out.ts';

/** Closes a connection that has missed a message; its client comes back and resumes. */
export interface CloseTask extends Pick<Mapping, 'connectionId' | 'callbackUrl'> {
  readonly kind: 'close';
}

/** Delivers messages to the connections of an address whose ids are in a range. */
export interface DeliverTask {
  readonly kind: 'deliver';
  readonly address: Address;
  readonly messages: readonly Message[];
  readonly range: ConnectionIdRange;
  readonly spared?: Spared;
}

export type Task = CloseTask | DeliverTask;

/** Work that is done behind the scenes, at a pace of its own, by the `work` function. */
export interface Tasks {
  /** Resolves when all of them will be done at least once. */
  add(tasks: readonly Task[]): Promise<void>;
}
