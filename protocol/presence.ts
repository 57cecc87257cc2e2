import * as v from 'valibot';
import { flag, has, id, roomNameSchema, usersSchema } from './fields.ts';
import { MAX_USERS_PER_PRESENCE } from './limits.ts';
import type { Count, EpochMs } from './scalars.ts';

const presenceAction = v.literal('presence');

/** Whether the server pushes changes from now on. Default: nothing changes. */
const watch = v.optional(flag);

const presenceOfUsers = v.strictObject({
  action: presenceAction,
  id: v.optional(id),
  users: usersSchema(MAX_USERS_PER_PRESENCE),
  watch,
});
const presenceOfRoom = v.strictObject({ action: presenceAction, id: v.optional(id), room: roomNameSchema, watch });

/** The frame that asks for presence. */
export const PRESENCE_FRAMES = {
  /** Asks who is online or in a room. */
  presence: v.lazy((frame): typeof presenceOfUsers | typeof presenceOfRoom =>
    has(frame, 'room') ? presenceOfRoom : presenceOfUsers,
  ),
} as const;

export type PresenceFrame = v.InferOutput<typeof PRESENCE_FRAMES.presence>;

/** Whether a user is online or in a room. Of two states of the same user, the one with the later `sinceMs` holds. */
export interface Presence {
  readonly user: string;
  readonly online: boolean;
  /** Since when, in epoch milliseconds. Absent: Beckon keeps no state of the user. */
  readonly sinceMs?: EpochMs;
}

/** The reply to `presence`. Without `id`, it is a push of the users whose state has changed. */
export interface PresenceReply {
  readonly type: 'presence';
  readonly id?: string;
  /** The presence is in this room. Absent: the presence is anywhere. */
  readonly room?: string;
  /** For a room: the users in it, at most {@link MAX_USERS_PER_PRESENCE}. In a push: the users whose state has changed. */
  readonly users: readonly Presence[];
  /** In the reply for a room: how many users and connections are in it. */
  readonly occupancy?: { readonly users: Count; readonly connections: Count };
}

/** The reply to this frame. */
export interface PresenceReplies {
  readonly presence: PresenceReply;
}
