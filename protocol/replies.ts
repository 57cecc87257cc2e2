import type { Json } from './frames.ts';
import type { Limits } from './limits.ts';
import type { Problem } from './problem.ts';

/** Who sent a message: a user over their own connection, or a service through `server/` or the `send` function. */
export type Sender = { readonly user: string } | { readonly service: string };

/** A message as its recipient gets it. */
export interface Message {
  /** Chosen by the sender, the same on every retry: a receiver that sees it again drops it. */
  readonly id: string;
  /** A ULID minted by the server: sorts by the time of sending. */
  readonly serial: string;
  readonly from: Sender;
  /** Only whom it was delivered to: of several users, each sees themselves alone. */
  readonly to: { readonly user: string };
  readonly data: Json;
  /** Epoch milliseconds, by the server's clock. */
  readonly sentAt: number;
}

/** How many of the recipient's connections took the message, had ceased to exist, or could not be reached. */
export interface ConnectionCounts {
  readonly delivered: number;
  readonly gone: number;
  readonly failed: number;
}

/** What became of one accepted message. */
export interface SendResult {
  readonly id: string;
  readonly serial: string;
  /** `delivered`: every recipient was reached on at least one connection. `dropped`: at least one was not. */
  readonly status: 'delivered' | 'dropped';
  readonly connections: ConnectionCounts;
  /** The status for each recipient, in the order in which they were named. */
  readonly users: readonly { readonly user: string; readonly status: 'delivered' | 'dropped' }[];
}

/** What was wrong with one message of a batch; the others are not affected. */
export interface SendFailure {
  readonly id?: string;
  readonly error: Problem;
}

export interface RegisteredReply {
  readonly type: 'registered';
  readonly id?: string;
  readonly userId: string;
  readonly connectionId: string;
  /** Epoch milliseconds. */
  readonly serverTime: number;
  /** When the registration ends unless the client is heard before, epoch milliseconds. */
  readonly expiresAt: number;
  readonly limits: Limits;
}

export interface AckReply {
  readonly type: 'ack';
  readonly id?: string;
  /** One for each message of the frame, in its order. */
  readonly results: readonly (SendResult | SendFailure)[];
}

export interface PongReply {
  readonly type: 'pong';
  readonly id?: string;
  /** Epoch milliseconds. */
  readonly serverTime: number;
}

export interface ErrorReply extends Problem {
  readonly type: 'error';
  readonly id?: string;
}

/** Pushed when messages for the user arrive. */
export interface MessagesPush {
  readonly type: 'messages';
  readonly messages: readonly Message[];
}

export type Reply = RegisteredReply | AckReply | PongReply | ErrorReply;
export type ServerFrame = Reply | MessagesPush;
