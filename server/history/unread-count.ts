import { type Count, MAX_UNREAD_COUNT } from '../../protocol/index.ts';
import type { Transcript } from '../address.ts';
import { findRepeats } from './repeats.ts';
import type { Transcripts } from './transcripts.ts';

/** A count that ends at {@link MAX_UNREAD_COUNT}; `more`: there are more. */
export interface UnreadCount {
  readonly count: Count;
  readonly more: boolean;
}

/** Counts the messages of others above a serial. */
export async function countUnread(
  transcripts: Pick<Transcripts, 'count' | 'find'>,
  transcript: Transcript,
  { after, userId }: { readonly after: string; readonly userId: string },
): Promise<UnreadCount> {
  const options = { after, except: { user: userId }, limit: MAX_UNREAD_COUNT };
  const { count, retried, more } = await transcripts.count(transcript, options);
  const repeats = await findRepeats(transcripts, transcript, retried);
  return sumOf([{ count: count - repeats.size, more }]);
}

/** The sum of counts, in the same bounds. */
export function sumOf(counts: readonly UnreadCount[]): UnreadCount {
  const count = counts.reduce((sum, each) => sum + each.count, 0);
  return {
    count: Math.min(count, MAX_UNREAD_COUNT),
    more: count > MAX_UNREAD_COUNT || counts.some(({ more }) => more),
  };
}
