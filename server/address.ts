import type { MessageSource, Peer } from '../protocol/index.ts';

/** A user or a room. It has subscribers (connections, in the directory), a log (messages) and a state. */
export type Address = UserAddress | RoomAddress;
export type UserAddress = `user#${string}`;
export type RoomAddress = `room#${string}`;

/** A service. It only sends: it has no subscribers and no log. */
export type ServiceAddress = `service#${string}`;

/** The other side of a conversation. */
export type Correspondent = Address | ServiceAddress;

/**
 * Two sides and their messages, as JSON: the sorted ids of two users, or a user and `{"service": …}`. So no user's id
 * makes the pair of a service.
 */
export type Pair = `[${string}]`;

/** The messages of a conversation, in the order in which they were sent: the log of a room, or a pair. */
export type Transcript = RoomAddress | Pair;

/** The presence of an address. Its subscribers watch it. It has no log: a watcher that missed a change asks again. */
export type PresenceAddress = `presence#${Address}`;

/** What a connection can subscribe to. */
export type Topic = Address | PresenceAddress;

/** The address of a user, on all devices. */
export function userAddress(userId: string): UserAddress {
  return `user#${userId}`;
}

/** The address of a room. */
export function roomAddress(room: string): RoomAddress {
  return `room#${room}`;
}

/** The pair of two users, the same in either order. */
export function pairOf(one: string, other: string): Pair {
  return JSON.stringify([one, other].toSorted()) as Pair;
}

/** The pair of a user and someone who sends to the user. */
export function pairWith(userId: string, source: MessageSource): Pair {
  if ('user' in source) return pairOf(userId, source.user);
  return JSON.stringify([userId, { service: source.service }]) as Pair;
}

/** The transcript of a conversation of `userId`. */
export function transcriptOf(userId: string, conversation: Peer): Transcript {
  return 'room' in conversation ? roomAddress(conversation.room) : pairWith(userId, conversation);
}

/** The topic whose subscribers watch the presence of an address. */
export function presenceAddress(address: Address): PresenceAddress {
  return `presence#${address}`;
}

export function isRoom(address: Address | Transcript): address is RoomAddress {
  return address.startsWith('room#');
}

export function isPresence(topic: Topic): topic is PresenceAddress {
  return topic.startsWith('presence#');
}

/** The user of an address. */
export function userIdOf(address: UserAddress): string {
  return address.slice(address.indexOf('#') + 1);
}

/** The name of an address in a capability. */
export function resourceOf(address: Correspondent): string {
  return address.replace('#', ':');
}

/** The user or room of an address, in the form of frames. */
export function conversationOf(address: Address): Exclude<Peer, { readonly service: string }> {
  const name = address.slice(address.indexOf('#') + 1);
  return address.startsWith('room#') ? { room: name } : { user: name };
}

/** The other side of a conversation, in the form of frames. */
export function peerOf(address: Correspondent): Peer {
  if (!address.startsWith('service#')) return conversationOf(address as Address);
  return { service: address.slice(address.indexOf('#') + 1) };
}

/** The address of the source of a message. */
export function sourceAddress(source: MessageSource): UserAddress | ServiceAddress {
  return 'user' in source ? userAddress(source.user) : `service#${source.service}`;
}

/** The address of the other side of a conversation. */
export function peerAddress(conversation: Peer): Correspondent {
  if ('service' in conversation) return `service#${conversation.service}`;
  return 'room' in conversation ? roomAddress(conversation.room) : userAddress(conversation.user);
}
