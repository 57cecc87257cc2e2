import type { JoinedReply, JoinFrame, Result } from '../../protocol/index.ts';
import { roomAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import { CONNECTION_LIFE_SECONDS } from '../connections/directory.ts';
import type { Resume } from '../connections/resume.ts';
import type { Permit } from '../gate/gate.ts';
import type { ConversationList } from '../history/conversation-list.ts';
import { serialFloor } from '../serial.ts';
import type { Subscribe } from './subscribe.ts';

/** Subscribes a registered connection to a room, and returns the messages that it missed there. */
export type Join = (
  connection: Connection,
  frame: Pick<JoinFrame, 'room' | 'cursor' | 'after' | 'attempt'>,
) => Promise<Result<Omit<JoinedReply, 'id'>>>;

export function createJoin(dependencies: {
  permit: Permit;
  subscribe: Subscribe;
  resume: Resume;
  /** Absent: there is no list of conversations. */
  list?: Pick<ConversationList, 'note'> | undefined;
  now: Now;
}): Join {
  const { permit, subscribe, resume, list, now } = dependencies;
  return async (connection, frame) => {
    const address = roomAddress(frame.room);
    const permitted = await permit(connection, 'join', [address]);
    if (!permitted.ok) return permitted;
    // The connection asks for the next page: it is in the room already.
    const refused = frame.after === undefined ? await subscribe(connection, 'rooms', [address]) : undefined;
    if (refused) return { ok: false, problem: refused };
    // Once for each joining: the members of a room cost nothing when a message comes.
    const noted =
      frame.after === undefined
        ? list?.note({ userId: connection.userId, peer: address }, serialFloor(now()))
        : undefined;
    // As long as a connection can live. Only its user's mapping tells whether it is live.
    const expiresAt = toSeconds(now()) + CONNECTION_LIFE_SECONDS;
    const [resumed] = await Promise.all([
      resume({ connection: { ...connection, ...permitted.value }, address, expiresAt }, frame),
      noted,
    ]);
    if (!resumed.ok) return resumed;
    return { ok: true, value: { type: 'joined', room: frame.room, ...resumed.value } };
  };
}
