import {
  type JoinedReply,
  type JoinFrame,
  type LeaveFrame,
  type LeftReply,
  problem,
  type Result,
} from '../protocol/index.ts';
import { roomAddress } from './address.ts';
import type { Admit, Permit } from './admission.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Directory } from './directory.ts';
import { CONNECTION_LIFE_SECONDS } from './expiry.ts';
import type { Resume } from './resume.ts';
import type { Tasks } from './tasks.ts';

/** Subscribes a registered connection to a room, and gives it what it has missed there. */
export type Join = (
  connection: Connection,
  frame: Pick<JoinFrame, 'room' | 'since' | 'after' | 'attempt'>,
) => Promise<Result<Omit<JoinedReply, 'id'>>>;

export function createJoin(dependencies: { permit: Permit; resume: Resume; now: Now }): Join {
  const { permit, resume, now } = dependencies;
  return async (connection, frame) => {
    const address = roomAddress(frame.room);
    // The next page is for whoever is in the room, and so noted, already.
    const noted = frame.after === undefined ? 'rooms' : undefined;
    const permitted = await permit(connection, 'join', [address], noted);
    if (!permitted.ok) return permitted;
    // For as long as the connection can live: whether it does is told by its user's mapping alone.
    const expiresAt = toSeconds(now()) + CONNECTION_LIFE_SECONDS;
    const resumed = await resume({ connection: { ...connection, ...permitted.value }, address, expiresAt }, frame);
    if (!resumed.ok) return resumed;
    return { ok: true, value: { type: 'joined', room: frame.room, ...resumed.value } };
  };
}

/** Takes a registered connection out of a room; fine if it is not in it. */
export type Leave = (
  connection: Pick<Connection, 'connectionId' | 'userId'>,
  frame: Pick<LeaveFrame, 'room' | 'attempt'>,
) => Promise<Result<Omit<LeftReply, 'id'>>>;

export function createLeave(dependencies: { admit: Admit; directory: Directory; tasks: Tasks }): Leave {
  const { admit, directory, tasks } = dependencies;
  return async (connection, { room, attempt = Number.MAX_SAFE_INTEGER }) => {
    const address = roomAddress(room);
    const change = { kind: 'rooms', addresses: [address] } as const;
    const admitted = await admit(connection, { change: { change: 'remove', ...change } });
    if (!admitted.ok) return admitted;
    const withdrawn = await directory.withdraw(address, connection.connectionId, attempt);
    // A frame that comes late must not take away what a later join has made: its client would wait for messages in vain.
    if (withdrawn === 'superseded') await admit(connection, { change: { change: 'add', ...change }, cost: 0 });
    // At once: who leaves does not come back by itself. Also if they stay: somebody may have looked in between.
    await tasks.add([{ kind: 'presence', address, userId: connection.userId }]);
    if (withdrawn === 'superseded') return { ok: false, problem: problem('superseded') };
    return { ok: true, value: { type: 'left', room } };
  };
}
