import { BeckonError, type ConnectionState, type Presence, type Reason } from '../../client/index.ts';
import { describeTime } from './times.ts';

/** Describes the state of the connection in a few words. */
export function describeState(state: ConnectionState): string {
  const waits = 'retryAtMs' in state;
  switch (state.status) {
    case 'connected':
      return 'Connected';
    case 'connecting':
      return waits ? 'Cannot connect' : 'Connecting…';
    case 'recovering':
      return waits ? 'Connection lost' : 'Reconnecting…';
    case 'suspended':
      return waits ? 'Offline' : 'Reconnecting…';
    case 'closed':
      return 'Signed out';
    case 'failed':
      return 'Stopped';
  }
}

/** Explains to the user why there is no connection. */
export function describeReason({ code, message }: Reason): string {
  if (code === 'token_failed') return 'No token can be had for you at the moment.';
  if (code === 'connect_failed') return 'The server cannot be reached, or it did not accept the token.';
  if (code === 'connect_timeout' || code === 'unresponsive') return 'The server does not answer.';
  return message;
}

/**
 * Describes the presence of a user. Empty: unknown.
 * @param isConnected Without a connection, the presence may be out of date.
 */
export function describePresence(presence: Presence | undefined, nowMs: number, isConnected: boolean): string {
  if (!presence) return '';
  if (presence.online) return isConnected ? 'Online' : 'Last seen online';
  return presence.sinceMs === undefined ? 'Offline' : `Offline since ${describeTime(presence.sinceMs, nowMs)}`;
}

/** Names the users who are typing. Empty: nobody. */
export function describeTyping(names: readonly string[]): string {
  if (names.length === 0) return '';
  if (names.length > 2) return 'Several people are typing…';
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`;
}

/**
 * Describes how many people are in a room.
 * @param isConnected Without a connection, the number may be out of date.
 */
export function describeOccupancy(count: number, isConnected: boolean): string {
  if (count === 1) return `1 person ${isConnected ? 'is' : 'was'} here`;
  return `${count} people ${isConnected ? 'are' : 'were'} here`;
}

/** The question to a user who signs out while messages wait to be sent. */
export function describeUnsent(count: number): string {
  const [messages, they] = count === 1 ? ['1 message has', 'it'] : [`${count} messages have`, 'they'];
  return `${messages} not been sent yet. If you sign out now, ${they} will not be sent. Sign out?`;
}

/** Explains why a message was not sent. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof BeckonError)) return String(error);
  if (error.maybeDelivered) return 'It may have arrived: the connection broke meanwhile';
  return REASONS.get(error.code) ?? error.message;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['expired', 'Not sent: it had to wait for too long'],
  ['closed', 'Not sent: you signed out'],
  ['outbox_full', 'Not sent: too many messages are waiting'],
  ['message_too_large', 'Not sent: it is too long'],
  ['frame_too_large', 'Not sent: it is too long'],
  ['forbidden', 'Not sent: your token does not allow it'],
]);
