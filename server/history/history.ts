import {
  DEFAULT_PAGE_MESSAGES,
  type HistoryFrame,
  type HistoryReply,
  MAX_PAGE_MESSAGES,
  problem,
  type Result,
} from '../../protocol/index.ts';
import { peerAddress, type Transcript, transcriptOf, userAddress } from '../address.ts';
import type { Connection } from '../connections/connection.ts';
import type { Permit } from '../gate/gate.ts';
import { createPage } from '../reply-size.ts';
import type { MarkerKey, MarkerStore } from './markers.ts';
import { withoutRepeats } from './repeats.ts';
import type { Position, Transcripts } from './transcripts.ts';

/** Reads one page of a conversation, and the markers of its two sides. */
export type History = (
  connection: Connection,
  frame: Pick<HistoryFrame, 'conversation' | 'before' | 'after' | 'limit'>,
) => Promise<Result<Omit<HistoryReply, 'id'>>>;

/** The most reads of the transcript for one page. After them, the page is returned as it is. */
const MAX_READS = 10;

export function createHistory(dependencies: {
  permit: Permit;
  transcripts: Transcripts;
  markers: MarkerStore;
}): History {
  const { permit, transcripts, markers } = dependencies;

  async function readPage(transcript: Transcript, from: Position, limit: number) {
    const page = createPage(limit);
    let position = from;
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      const { entries, next } = await transcripts.read(transcript, position, Math.min(limit + 1, MAX_PAGE_MESSAGES));
      for (const { message } of await withoutRepeats(transcripts, transcript, entries)) {
        if (!page.add(message)) return { messages: page.messages, next: page.messages.at(-1)?.serial };
      }
      if (next === undefined) return { messages: page.messages };
      position = 'after' in from ? { after: next } : { before: next };
    }
    return { messages: page.messages, next: Object.values(position)[0] };
  }

  return async (connection, { conversation, before, after, limit = DEFAULT_PAGE_MESSAGES }) => {
    if (before !== undefined && after !== undefined) {
      return {
        ok: false,
        problem: problem('invalid_frame', '"before" and "after" exclude each other: send one of them'),
      };
    }
    const { userId } = connection;
    const peer = peerAddress(conversation);
    const admitted = await permit(connection, 'history', [peer]);
    if (!admitted.ok) return admitted;
    const from = after !== undefined ? { after } : { ...(before !== undefined && { before }) };
    const ofPeer: MarkerKey[] =
      'user' in conversation ? [{ userId: conversation.user, peer: userAddress(userId) }] : [];
    const [{ messages, next }, [own, theirs]] = await Promise.all([
      readPage(transcriptOf(userId, conversation), from, limit),
      markers.read([{ userId, peer }, ...ofPeer]),
    ]);
    return {
      ok: true,
      value: {
        type: 'history',
        conversation,
        messages: after !== undefined ? messages : messages.toReversed(),
        ...(next !== undefined && { next }),
        ...(own?.read !== undefined && { read: own.read }),
        ...(theirs && { peer: theirs }),
      },
    };
  };
}
