import {
  type JoinedReply,
  type JoinFrame,
  type LeaveFrame,
  type LeftReply,
  problem,
  type Result,
} from '../../protocol/index.ts';
import { roomAddress, userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import type { Directory } from '../connections/directory.ts';
import { CONNECTION_LIFE_SECONDS } from '../connections/expiry.ts';
import type { Resume } from '../connections/resume.ts';
import type { Admit, Permit } from '../gate/gate.ts';
import type { Tasks } from '../tasks.ts';
import type { Subscribe } from './subscribe.ts';

/** Subscribes a registered connection to a room, and gives it what it has missed there. */
export type Join = (
  connection: Connection,
  frame: Pick<JoinFrame, 'room' | 'since' | 'after' | 'attempt'>,
) => Promise<Result<Omit<JoinedReply, 'id'>>>;

export function createJoin(dependencies: { permit: Permit; subscribe: Subscribe; resume: Resume; now: Now }): Join {
  const { permit, subscribe, resume, now } = dependencies;
  return async (connection, frame) => {
    const address = roomAddress(frame.room);
    const permitted = await permit(connection, 'join', [address]);
    if (!permitted.ok) return permitted;
    // The next page is for whoever is in the room already.
    const refused = frame.after === undefined ? await subscribe(connection, 'rooms', [address]) : undefined;
    if (refused) return { ok: false, problem: refused };
    // For as long as the connection can live: whether it does is told by its user's mapping alone.
    const expiresAt = toSeconds(now()) + CONNECTION_LIFE_SECONDS;
    const resumed = await resume({ connection: { ...connection, ...permitted.value }, address, expiresAt }, frame);
    if (!resumed.ok) return resumed;
    return { ok: true, value: { type: 'joined', room: frame.room, ...resumed.value } };
  };
}

/** Takes a registered connection out of a room; fine if it is not in it. */
export type Leave = (
  connection: Connection,
  frame: Pick<LeaveFrame, 'room' | 'attempt'>,
) => Promise<Result<Omit<LeftReply, 'id'>>>;

export function createLeave(dependencies: {
  admit: Admit;
  directory: Pick<Directory, 'addSubscriptions' | 'removeSubscriptions' | 'withdraw'>;
  tasks: Tasks;
}): Leave {
  const { admit, directory, tasks } = dependencies;
  return async (connection, { room, attempt = Number.MAX_SAFE_INTEGER }) => {
    const { connectionId, userId } = connection;
    const admitted = await admit(connection);
    if (!admitted.ok) return admitted;
    const address = roomAddress(room);
    const user = userAddress(userId);
    const change = { kind: 'rooms', addresses: [address] } as const;
    await directory.removeSubscriptions(user, connectionId, change);
    const withdrawn = await directory.withdraw(address, connectionId, attempt);
    if (withdrawn === 'superseded') {
      // A frame that comes late must not take away what a later join has made: its client would wait for messages in vain. That
      // join has been counted already, so no limit can refuse it now.
      await directory.addSubscriptions(user, connectionId, change, Number.MAX_SAFE_INTEGER);
      return { ok: false, problem: problem('superseded') };
    }
    // At once: who leaves does not come back by itself.
    await tasks.add([{ kind: 'presence', address, userId }]);
    return { ok: true, value: { type: 'left', room } };
  };
}
