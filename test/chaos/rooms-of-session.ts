import { BeckonError, type Client } from '../../client/index.ts';
import type { Record } from './record.ts';

/** Tracks the rooms of one session as its client reports them, and records them. */
export interface RoomsOfSession {
  names(): readonly string[];
  join(client: Pick<Client, 'join'>, room: string, resumes: boolean): Promise<void>;
  leave(client: Pick<Client, 'leave'>, room: string): Promise<void>;
  /** Returns the membership that brought a message; 0 if there is none. */
  onMessage(room: string, serial: string): number;
}

/** Numbers the memberships of a run. */
let memberships = 0;

export function createRoomsOfSession(record: Record, session: string, device: string): RoomsOfSession {
  const current = new Map<string, number>();
  const lastSerials = new Map<string, string>();
  return {
    names: () => [...current.keys()],
    async join(client, room, resumes) {
      if (current.has(room)) return;
      memberships += 1;
      const membership = memberships;
      const cursor = resumes ? lastSerials.get(room) : undefined;
      current.set(room, membership);
      record.add({ type: 'joining', membership, session, device, room, ...(cursor !== undefined && { cursor }) });
      try {
        await client.join(room, cursor === undefined ? {} : { after: cursor });
        record.add({ type: 'joined', membership });
      } catch (error) {
        if (!(error instanceof BeckonError)) throw error;
        // The app left or closed meanwhile. Other errors would remove a device from a room that it wants to be in.
        if (error.code !== 'join_cancelled' && error.code !== 'closed')
          record.add({ type: 'gap', session, detail: error.code });
      }
    },
    async leave(client, room) {
      const membership = current.get(room);
      if (membership === undefined) return;
      current.delete(room);
      record.add({ type: 'leaving', membership });
      await client.leave(room);
    },
    onMessage(room, serial) {
      lastSerials.set(room, serial);
      return current.get(room) ?? 0;
    },
  };
}
