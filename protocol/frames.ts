import type * as v from 'valibot';
import { BLOCKING_FRAMES, type BlockingReplies } from './blocking.ts';
import { HISTORY_FRAMES, type HistoryReplies, type MarkerPush, type ReceiptPush } from './history.ts';
import { MESSAGE_FRAMES, type MessageReplies, type MessagesPush } from './messages.ts';
import { PRESENCE_FRAMES, type PresenceReplies, type PresenceReply } from './presence.ts';
import type { Problem } from './problem.ts';
import { ROOM_FRAMES, type RoomReplies } from './rooms.ts';
import { type ByePush, SESSION_FRAMES, type SessionReplies } from './session.ts';

/** The frames that a client may send, by action. */
export const CLIENT_FRAMES = {
  ...SESSION_FRAMES,
  ...ROOM_FRAMES,
  ...HISTORY_FRAMES,
  ...PRESENCE_FRAMES,
  ...BLOCKING_FRAMES,
  ...MESSAGE_FRAMES,
} as const;

/** A frame that a client may send. */
export type ClientFrame = v.InferOutput<(typeof CLIENT_FRAMES)[keyof typeof CLIENT_FRAMES]>;
/** What a client can ask for. */
export type Action = keyof typeof CLIENT_FRAMES;

/** The reply to each action. The server answers a refused frame with `error`. */
export interface Replies
  extends SessionReplies,
    RoomReplies,
    HistoryReplies,
    PresenceReplies,
    BlockingReplies,
    MessageReplies {}

/** What the server sends without a request, by type. */
export interface Pushes {
  readonly messages: MessagesPush;
  readonly presence: PresenceReply;
  readonly receipt: ReceiptPush;
  readonly marker: MarkerPush;
  readonly bye: ByePush;
}

export interface ErrorReply extends Problem {
  readonly type: 'error';
  readonly id?: string;
}

export type Reply = Replies[Action] | ErrorReply;
export type Push = Pushes[keyof Pushes];
export type ServerFrame = Reply | Push;
