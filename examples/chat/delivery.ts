import type { Markers, Presence } from '../../client/index.ts';
import type { Place } from './place.ts';
import type { Entry } from './timeline.ts';

/** How far one of one's own messages has come. */
export interface Delivery {
  readonly state: 'queued' | 'sent' | 'waiting' | 'delivered' | 'read' | 'failed';
  readonly text: string;
}

const QUEUED: Delivery = { state: 'queued', text: 'Queued' };
const SENT: Delivery = { state: 'sent', text: 'Sent' };
const DELIVERED: Delivery = { state: 'delivered', text: 'Delivered' };
const READ: Delivery = { state: 'read', text: 'Read' };

/**
 * What the acknowledgement, the receipts and the presence of the other say together. In rooms there are no receipts, and
 * what one writes to oneself needs none.
 * @param peer How far one's messages have come with the other user.
 * @param presence Of the other user, if it is known.
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
  if (peer.delivered !== undefined && serial <= peer.delivered) return DELIVERED;
  // Of what this page has not sent itself, nobody has told whether there was a device.
  const mayWait = fate?.kind !== 'accepted' || fate.isStored;
  const waits = mayWait && presence?.online === false;
  return waits ? { state: 'waiting', text: `Waits for ${place.user}` } : SENT;
}
