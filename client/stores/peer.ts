import type { MessageSource, Peer } from '../../protocol/index.ts';
import type { ReceivedMessage } from '../api.ts';
import { check } from '../options.ts';

export type { Peer };

/** What tells the conversation of a message. */
export type Addressed = Pick<ReceivedMessage, 'from' | 'to'>;

/**
 * Tells which conversation of a user a message belongs to.
 *
 * ```ts
 * client.on('message', (message) => show(peerOf(message, 'alice')));
 * ```
 * @param me The user whose client has the message. Of their own message to several users, it is the first other one.
 */
export function peerOf({ from, to }: Addressed, me: string): Peer {
  if ('room' in to) return { room: to.room };
  if ('service' in from) return { service: from.service };
  if (from.user !== me) return { user: from.user };
  return 'user' in to ? { user: to.user } : { user: to.users.find((user) => user !== me) ?? me };
}

/** Whether a message belongs to the conversation of `me` with `peer`. */
export function isBetween(peer: Peer, me: string, { from, to }: Addressed): boolean {
  if ('room' in peer || 'room' in to) return 'room' in peer && 'room' in to && peer.room === to.room;
  if ('service' in peer || 'service' in from)
    return 'service' in peer && 'service' in from && peer.service === from.service;
  if (from.user !== me) return from.user === peer.user;
  return 'user' in to ? to.user === peer.user : to.users.includes(peer.user);
}

/** Names a peer: no two have the same name. */
export function keyOfPeer(peer: Peer): string {
  return Object.entries(peer).join();
}

/** Whether `me` has sent it. */
export function isFrom(me: string, from: MessageSource): boolean {
  return 'user' in from && from.user === me;
}

/** @throws TypeError unless `value` is a peer, and nothing else. */
export function checkPeer(where: string, value: Peer): void {
  const [[kind = '', name] = [], ...others] = Object.entries(value ?? {});
  const isPeer = /^(user|room|service)$/.test(kind) && typeof name === 'string' && others.length === 0;
  check(where, 'peer', value, isPeer, '{user: "…"}, {room: "…"} or {service: "…"}');
}
