import type { Markers, Presence } from '../../client/index.ts';
import type { Place } from './place.ts';
import type { Entry } from './timeline.ts';

/** The delivery state of the user's own message. */
export interface Delivery {
  readonly state: 'queued' | 'sent' | 'waiting' | 'received' | 'read' | 'failed';
  readonly text: string;
}

const QUEUED: Delivery = { state: 'queued', text: 'Queued' };
const SENT: Delivery = { state: 'sent', text: 'Sent' };
const RECEIVED: Delivery = { state: 'received', text: 'Delivered' };
const READ: Delivery = { state: 'read', text: 'Read' };

/**
 * Combines the acknowledgement, the receipts and the presence of the other user. Rooms have no receipts, and messages to oneself
 * need none.
 * @param peer The other user's receipts.
 * @param presence The other user's presence, if known.
 */
export function deliveryOf(
  { serial, fate }: Pick<Entry, 'serial' | 'fate'>,
  place: Place,
  peer: Markers,
  presence: Presence | undefined,
): Delivery {
  if (serial === undefined) {
    return fate?.kind === 'failed' ? { state: 'failed', text: fate.why } : QUEUED;
  }
  if (!('user' in place)) return SENT;
  if (peer.read !== undefined && serial <= peer.read) return READ;
  if (peer.received !== undefined && serial <= peer.received) return RECEIVED;
  // For messages of other pages, this page does not know whether a device was online.
  const mayWait = fate?.kind !== 'accepted' || fate.isStored;
  const waits = mayWait && presence?.online === false;
  return waits ? { state: 'waiting', text: `Waits for ${place.user}` } : SENT;
}
