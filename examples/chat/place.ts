import type { Json, Peer, ReceivedMessage } from '../../client/index.ts';

/** A conversation's place: a user, a room, or a service, which only sends. */
export type Place = Peer | { readonly service: string };

/** Returns a key that is unique to the place. */
export function keyOf(place: Place): string {
  return `${kindOf(place)} ${nameOf(place)}`;
}

export function kindOf(place: Place): 'user' | 'room' | 'service' {
  if ('room' in place) return 'room';
  return 'user' in place ? 'user' : 'service';
}

export function nameOf(place: Place): string {
  if ('room' in place) return place.room;
  return 'user' in place ? place.user : place.service;
}

/** Returns the name, with a mark for rooms. */
export function titleOf(place: Place): string {
  return 'room' in place ? `#${place.room}` : nameOf(place);
}

/** Returns the place of a message for the user `me`. A copy of an own message belongs to its recipient. */
export function placeOf({ from, to }: Pick<ReceivedMessage<Json>, 'from' | 'to'>, me: string): Place {
  if ('room' in to) return to;
  if ('service' in from) return from;
  if (from.user !== me) return from;
  return { user: 'user' in to ? to.user : (to.users.find((user) => user !== me) ?? me) };
}
