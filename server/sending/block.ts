import { type BlockedReply, type BlockFrame, type Problem, problem, type Result } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';
import type { Admit } from '../gate/gate.ts';
import type { Inboxes, InboxKey } from './inboxes.ts';

/** Tells whom the connection's user has blocked, and blocks and unblocks. A user cannot change anybody else's inbox. */
export type Block = (connection: Connection, frame: BlockFrame) => Promise<Result<Omit<BlockedReply, 'id'>>>;

export function createBlock({ admit, inboxes }: { admit: Admit; inboxes: Inboxes }): Block {
  return async (connection, frame) => {
    const admitted = await admit(connection);
    if (!admitted.ok) return admitted;
    const { userId: recipient } = connection;
    if (!('user' in frame)) {
      return { ok: true, value: { type: 'blocked', ...(await inboxes.blocked(recipient, frame.after)) } };
    }
    const { user, blocked } = frame;
    const key = { recipient, sender: user };
    const wrong = blocked === undefined ? undefined : await setBlocked(inboxes, key, blocked);
    if (wrong) return { ok: false, problem: wrong };
    const isBlocked = blocked ?? (await inboxes.isBlocked(key));
    return { ok: true, value: { type: 'blocked', users: isBlocked ? [user] : [], more: false } };
  };
}

/** @returns why the block cannot be set */
export async function setBlocked(inboxes: Inboxes, key: InboxKey, isBlocked: boolean): Promise<Problem | undefined> {
  if (key.recipient === key.sender)
    return problem('invalid_frame', 'a user cannot block themselves: name another user');
  if (!isBlocked) {
    await inboxes.unblock(key);
    return undefined;
  }
  return (await inboxes.block(key)) ? undefined : problem('too_many_blocked');
}

/** All users whom a user has blocked, in the order of their ids. */
export async function allBlocked(inboxes: Pick<Inboxes, 'blocked'>, recipient: string): Promise<readonly string[]> {
  const all: string[] = [];
  for (let more = true; more; ) {
    const page = await inboxes.blocked(recipient, all.at(-1));
    all.push(...page.users);
    more = page.more;
  }
  return all;
}
