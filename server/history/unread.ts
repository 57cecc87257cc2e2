import { frameCharge, problem, type Result, TARIFF, type UnreadFrame, type UnreadReply } from '../../protocol/index.ts';
import { peerAddress, transcriptOf } from '../address.ts';
import type { Capability } from '../auth/capability.ts';
import type { Now } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Connection } from '../connections/connection.ts';
import type { Permit } from '../gate/gate.ts';
import { serialFloor } from '../serial.ts';
import type { MarkerStore } from './markers.ts';
import type { Transcripts } from './transcripts.ts';
import { countUnread, type UnreadCount } from './unread-count.ts';

/** Counts the messages of others behind the read marker of each conversation, or of all in the user's list. */
export type Unread = (
  connection: Connection,
  frame: Pick<UnreadFrame, 'conversations'>,
) => Promise<Result<Omit<UnreadReply, 'id'>>>;

/** Conversations that are counted at once. */
const MAX_CONCURRENT_COUNTS = 10;

export function createUnread(dependencies: {
  permit: Permit;
  transcripts: Pick<Transcripts, 'count' | 'find'>;
  markers: Pick<MarkerStore, 'read'>;
  /** Counts what is unread in the user's list. Absent: the list is switched off. */
  total?: ((userId: string, capability: Capability) => Promise<UnreadCount>) | undefined;
  retentionSeconds: number;
  now: Now;
}): Unread {
  const { permit, transcripts, markers, total, retentionSeconds, now } = dependencies;

  return async (connection, { conversations }) => {
    const { userId } = connection;
    if (!conversations && !total) return { ok: false, problem: problem('conversations_disabled') };
    const asked = conversations ?? [];
    const keys = asked.map((conversation) => ({ userId, peer: peerAddress(conversation), conversation }));
    const admitted = await permit(
      connection,
      'history',
      keys.map(({ peer }) => peer),
      { cost: frameCharge({ action: 'unread', ...(conversations && { conversations }) }, TARIFF) },
    );
    if (!admitted.ok) return admitted;
    if (!conversations) {
      const sum = await total?.(userId, admitted.value.capability);
      return { ok: true, value: { type: 'unread', conversations: [], ...(sum && { total: sum }) } };
    }
    const marked = await markers.read(keys);
    const horizon = serialFloor(now() - retentionSeconds * 1000);
    const counted = await mapConcurrently([...keys.entries()], MAX_CONCURRENT_COUNTS, async ([index, key]) => {
      const { conversation } = key;
      const read = marked[index]?.read;
      const options = { after: read ?? horizon, userId };
      const counted = await countUnread(transcripts, transcriptOf(userId, conversation), options);
      return { conversation, ...counted, ...(read !== undefined && { read }) };
    });
    return { ok: true, value: { type: 'unread', conversations: counted } };
  };
}
