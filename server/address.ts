import type { Conversation } from '../protocol/index.ts';

/** What can be sent to: it has subscribers (connections, in the directory), a log (messages) and a state. */
export type Address = UserAddress | RoomAddress;
export type UserAddress = `user#${string}`;
export type RoomAddress = `room#${string}`;

/** What two users have sent each other, both ways: JSON of the two, sorted. */
export type Pair = `[${string}]`;

/** Where what was said in a conversation is found: in a room's log, or by the two who had it. */
export type Transcript = RoomAddress | Pair;

/** Whose subscribers watch the presence at an address. It has no log: what they miss they ask for. */
export type PresenceAddress = `presence#${Address}`;

/** What a connection can subscribe to. */
export type Topic = Address | PresenceAddress;

/** The address of a user, on all their devices. */
export function userAddress(userId: string): UserAddress {
  return `user#${userId}`;
}

/** The address of a room. */
export function roomAddress(room: string): RoomAddress {
  return `room#${room}`;
}

/** The pair of two users, which is the same for both. */
export function pairOf(one: string, other: string): Pair {
  return JSON.stringify([one, other].toSorted()) as Pair;
}

/** Where a conversation is found, of which `userId` is one side. */
export function transcriptOf(userId: string, conversation: Conversation): Transcript {
  return 'room' in conversation ? roomAddress(conversation.room) : pairOf(userId, conversation.user);
}

/** The address at which watchers of another one are told who comes and goes there. */
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

/** What an address is called in a capability. */
export function resourceOf(address: Address): string {
  return address.replace('#', ':');
}

/** Whom an address belongs to, as frames have it. */
export function conversationOf(address: Address): Conversation {
  const name = address.slice(address.indexOf('#') + 1);
  return address.startsWith('room#') ? { room: name } : { user: name };
}

/** The address of the other side of a conversation. */
export function peerAddress(conversation: Conversation): Address {
  return 'room' in conversation ? roomAddress(conversation.room) : userAddress(conversation.user);
}
