import * as v from 'valibot';
import { attempt, cursorSchema, id, roomNameSchema } from './fields.ts';
import type { RegisteredReply } from './session.ts';

/** The frames about the rooms that a connection is in. */
export const ROOM_FRAMES = {
  /** Subscribes this connection to a room. It must be registered. */
  join: v.strictObject({
    action: v.literal('join'),
    id: v.optional(id),
    room: roomNameSchema,
    /** Where to resume: as in `register`. Default: now, without earlier messages. */
    cursor: v.optional(cursorSchema),
    /** As in `register`. */
    after: v.optional(cursorSchema),
    /** As in `register`, but for this room. */
    attempt,
  }),
  leave: v.strictObject({
    action: v.literal('leave'),
    id: v.optional(id),
    room: roomNameSchema,
    /**
     * Shares its count with the attempts to join the room: the server refuses a leave that arrives after a later join. Default: higher
     * than all.
     */
    attempt,
  }),
} as const;

export type JoinFrame = v.InferOutput<typeof ROOM_FRAMES.join>;
export type LeaveFrame = v.InferOutput<typeof ROOM_FRAMES.leave>;

/** The connection is in the room. The fields are those of `registered`, for the room. */
export interface JoinedReply
  extends Pick<RegisteredReply, 'id' | 'recovered' | 'messages' | 'more' | 'cursor' | 'serverTime'> {
  readonly type: 'joined';
  readonly room: string;
}

export interface LeftReply {
  readonly type: 'left';
  readonly id?: string;
  readonly room: string;
}

/** The replies to these frames. */
export interface RoomReplies {
  readonly join: JoinedReply;
  readonly leave: LeftReply;
}
