import type { Address, RoomAddress } from '../address.ts';
import type { Subscriptions } from '../connections/directory.ts';
import type { Item } from './attributes.ts';

/** What an item of subscriptions tells of. */
export function toSubscriptions({ rooms, watches }: Item): Subscriptions {
  return { rooms: (rooms?.SS ?? []) as RoomAddress[], watches: (watches?.SS ?? []) as Address[] };
}
