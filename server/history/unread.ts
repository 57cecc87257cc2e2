import {
  frameCharge,
  MAX_UNREAD_COUNT,
  type Result,
  TARIFF,
  type UnreadFrame,
  type UnreadReply,
} from '../../protocol/index.ts';
import { peerAddress, type Transcript, transcriptOf } from '../address.ts';
import type { Now } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Connection } from '../connections/connection.ts';
import type { Permit } from '../gate/gate.ts';
import { serialFloor } from '../serial.ts';
import type { MarkerStore } from './markers.ts';
import { findRepeats } from './repeats.ts';
import type { Transcripts } from './transcripts.ts';

/** Counts the messages of others behind the read marker of each conversation. */
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
  retentionSeconds: number;
  now: Now;
}): Unread {
  const { permit, transcripts, markers, retentionSeconds, now } = dependencies;

  async function count(transcript: Transcript, { after, userId }: { after: string; userId: string }) {
    const options = { after, except: { user: userId }, limit: MAX_UNREAD_COUNT };
    const { count, retried, more } = await transcripts.count(transcript, options);
    const repeats = await findRepeats(transcripts, transcript, retried);
    const messages = count - repeats.size;
    return { count: Math.min(messages, MAX_UNREAD_COUNT), more: more || messages > MAX_UNREAD_COUNT };
  }

  return async (connection, { conversations }) => {
    const { userId } = connection;
    const keys = conversations.map((conversation) => ({ userId, peer: peerAddress(conversation), conversation }));
    const admitted = await permit(
      connection,
      'history',
      keys.map(({ peer }) => peer),
      { cost: frameCharge({ action: 'unread', conversations }, TARIFF) },
    );
    if (!admitted.ok) return admitted;
    const marked = await markers.read(keys);
    const horizon = serialFloor(now() - retentionSeconds * 1000);
    const counted = await mapConcurrently([...keys.entries()], MAX_CONCURRENT_COUNTS, async ([index, key]) => {
      const { conversation } = key;
      const read = marked[index]?.read;
      const counted = await count(transcriptOf(userId, conversation), { after: read ?? horizon, userId });
      return { conversation, ...counted, ...(read !== undefined && { read }) };
    });
    return { ok: true, value: { type: 'unread', conversations: counted } };
  };
}
