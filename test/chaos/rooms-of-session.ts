import { BeckonError, type Client } from '../../client/index.ts';
import type { Record } from './record.ts';

/** In which rooms one run of an app is, as it is told itself; noted in the record. */
export interface RoomsOfSession {
  names(): readonly string[];
  join(client: Pick<Client, 'join'>, room: string, resumes: boolean): Promise<void>;
  leave(client: Pick<Client, 'leave'>, room: string): Promise<void>;
  /** @returns the membership in which a message was handed over, 0 if there is none */
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
      const since = resumes ? lastSerials.get(room) : undefined;
      current.set(room, membership);
      record.add({ type: 'joining', membership, session, device, room, ...(since !== undefined && { since }) });
      try {
        await client.join(room, since === undefined ? {} : { since });
        record.add({ type: 'joined', membership });
      } catch (error) {
        if (!(error instanceof BeckonError)) throw error;
        // Left or closed meanwhile; anything else takes a device out of a room that wants to be in it.
        if (error.code !== 'left' && error.code !== 'closed') record.add({ type: 'gap', session, detail: error.code });
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
