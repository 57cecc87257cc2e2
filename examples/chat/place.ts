import type { Conversation, Json, ReceivedMessage } from '../../client/index.ts';

/** Where something is said: with a user, in a room, or by a service, which can write but not be written to. */
export type Place = Conversation | { readonly service: string };

/** The same for the same place, and for no other. */
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

/** With a mark that tells rooms from people. */
export function titleOf(place: Place): string {
  return 'room' in place ? `#${place.room}` : nameOf(place);
}

/** Where a message belongs, for `me`: the copy of one's own message is with those it went to. */
export function placeOf({ from, to }: Pick<ReceivedMessage<Json>, 'from' | 'to'>, me: string): Place {
  if ('room' in to) return to;
  if ('service' in from) return from;
  if (from.user !== me) return from;
  return { user: 'user' in to ? to.user : (to.users.find((user) => user !== me) ?? me) };
}
