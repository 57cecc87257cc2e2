import {
  BeckonError,
  type ConnectionState,
  type DeliveryStatus,
  type Reason,
  type SendResult,
} from '../../client/index.ts';

/** What the connection is doing, in a few words. */
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

/** Why there is no connection, for whoever wants to sign in. */
export function describeReason({ code, message }: Reason): string {
  if (code === 'token_failed') return 'No token can be had for you at the moment.';
  if (code === 'connect_failed') return 'The server cannot be reached, or it did not accept the token.';
  if (code === 'connect_timeout' || code === 'unresponsive') return 'The server does not answer.';
  return message;
}

/** What became of a message. */
export interface Delivery {
  readonly status: DeliveryStatus;
  readonly text: string;
}

export const QUEUED: Delivery = { status: 'queued', text: 'Queued' };

/** What the server did with a message to `name`. */
export function describeResult({ status, connections: { delivered } }: SendResult, name: string): Delivery {
  switch (status) {
    case 'delivered':
      return { status, text: delivered > 1 ? `Delivered to ${delivered} devices` : 'Delivered' };
    case 'queued':
      return { status, text: 'Being delivered' };
    case 'stored':
      return { status, text: `Waits for ${name}` };
    case 'dropped':
      return { status, text: `${name} is not connected` };
  }
}

/** Why a message was not sent. */
export function describeFailure(error: unknown): Delivery {
  if (!(error instanceof BeckonError)) return { status: 'dropped', text: String(error) };
  if (error.maybeDelivered) return { status: 'dropped', text: 'It may have arrived: the connection broke meanwhile' };
  return { status: 'dropped', text: REASONS[error.code] ?? error.message };
}

const REASONS: Readonly<Record<string, string>> = {
  expired: 'Not sent: there was no connection for too long',
  closed: 'Not sent: you signed out',
  outbox_full: 'Not sent: too many messages are waiting',
  message_too_large: 'Not sent: it is too long',
  frame_too_large: 'Not sent: it is too long',
};
