import type { Message, Sender } from '../../protocol/index.ts';
import type { Transcript } from '../address.ts';

/** A message in a transcript. */
export interface TranscriptEntry {
  readonly message: Message;
  /** The transcript may hold an earlier copy of it: see `repeats.ts`. */
  readonly retried: boolean;
}

/** What tells copies of one message from each other, and from other messages. */
export type Copy = Pick<Message, 'id' | 'from' | 'serial'>;

/** From where a transcript is read: the newest below a serial (or of all), or the oldest above one. */
export type Position = { readonly before?: string } | { readonly after: string };

/** What one read of a transcript gives. */
export interface Passage {
  /** In the direction of reading. */
  readonly entries: readonly TranscriptEntry[];
  /** The serial from which to read on. Absent: there is nothing more. */
  readonly next?: string;
}

/** A number of entries. */
export interface Count {
  readonly count: number;
  /** Those among them that may be copies of earlier ones. */
  readonly retried: readonly Copy[];
  /** Whether counting ended before the last entry. */
  readonly more: boolean;
}

/**
 * What was said, by conversation: the entries of the messages table, as one sees them who reads along. Never an expired one.
 * Of a room strongly consistent; between two users what was appended in the last moments may be missing.
 */
export interface Transcripts {
  /** At most `limit` entries, perhaps fewer or none although there are more. */
  read(transcript: Transcript, from: Position, limit: number): Promise<Passage>;

  /**
   * The entries between two serials, both included, under any of these ids, of which there are at most 100, in any order.
   * Looks at a bounded number of entries, beginning with the newest.
   */
  find(
    transcript: Transcript,
    ids: readonly string[],
    range: { readonly first: string; readonly last: string },
  ): Promise<readonly Copy[]>;

  /**
   * Counts the entries above `after` that are not from `except`: until more than `limit` are surely no copies, or a bounded
   * number of entries has been looked at.
   */
  count(
    transcript: Transcript,
    options: { readonly after: string; readonly except: Sender; readonly limit: number },
  ): Promise<Count>;
}
