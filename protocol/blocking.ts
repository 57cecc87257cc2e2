import * as v from 'valibot';
import { flag, has, id, userIdSchema } from './fields.ts';

const blockAction = v.literal('block');

/** Blocks or unblocks one user from now on. Without `blocked`, nothing changes. */
const blockOfUser = v.strictObject({
  action: blockAction,
  id: v.optional(id),
  user: userIdSchema,
  blocked: v.optional(flag),
});
/** Lists all blocked users: one page, after the last user of the previous page. */
const blockOfAll = v.strictObject({ action: blockAction, id: v.optional(id), after: v.optional(userIdSchema) });

/** The frame about the users whom a user has blocked. */
export const BLOCKING_FRAMES = {
  /** Blocks or unblocks a user, or lists the blocked users. */
  block: v.lazy((frame): typeof blockOfUser | typeof blockOfAll => (has(frame, 'user') ? blockOfUser : blockOfAll)),
} as const;

export type BlockFrame = v.InferOutput<typeof BLOCKING_FRAMES.block>;

/** The users whom the user has blocked. */
export interface BlockedReply {
  readonly type: 'blocked';
  readonly id?: string;
  /** The blocked users, by name: only the user whom the frame names, or all. */
  readonly users: readonly string[];
  /** Whether more blocked users follow after the last one. */
  readonly more: boolean;
}

/** The reply to this frame. */
export interface BlockingReplies {
  readonly block: BlockedReply;
}
