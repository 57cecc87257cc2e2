import { type LeaveFrame, type LeftReply, problem, type Result } from '../../protocol/index.ts';
import { roomAddress, userAddress } from '../address.ts';
import type { Connection } from '../connections/connection.ts';
import type { Directory } from '../connections/directory.ts';
import type { Admit } from '../gate/gate.ts';
import type { Tasks } from '../tasks.ts';

/** Removes a registered connection from a room. Does nothing if it is not in it. */
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
      // A late frame must not undo a later join: its client would wait for messages in vain. That join has been
      // counted, so no limit can refuse it now.
      await directory.addSubscriptions(user, connectionId, change, Number.MAX_SAFE_INTEGER);
      return { ok: false, problem: problem('superseded') };
    }
    // Without a delay: a user who leaves a room does not come back by accident.
    await tasks.add([{ kind: 'presence', address, userId }]);
    return { ok: true, value: { type: 'left', room } };
  };
}
