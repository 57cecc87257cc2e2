import type { Message, MessageSource } from '../../protocol/index.ts';
import type { Transcript } from '../address.ts';

/** A message in a transcript. */
export interface TranscriptEntry {
  readonly message: Message;
  /** The transcript may hold an earlier copy of it: see `repeats.ts`. */
  readonly retried: boolean;
}

/** What identifies a copy of a message. */
export type Copy = Pick<Message, 'id' | 'from' | 'serial'>;

/** Where reading begins: with the newest entry below a serial (or of all), or with the oldest above one. */
export type Position = { readonly before?: string } | { readonly after: string };

/** The result of one read of a transcript. */
export interface Passage {
  /** In the direction of reading. */
  readonly entries: readonly TranscriptEntry[];
  /** The serial to continue from. Absent: there are no more entries. */
  readonly next?: string;
}

/** A number of entries. */
export interface BoundedCount {
  readonly count: number;
  /** The entries among them that may be copies of earlier ones. */
  readonly retried: readonly Copy[];
  /** Whether counting ended before the last entry. */
  readonly more: boolean;
}

/**
 * Conversations: the entries of the messages table, as a participant sees them, without expired ones. Rooms are read
 * strongly consistently; between two users, the messages of the last moments may be missing.
 */
export interface Transcripts {
  /** At most `limit` entries. It may return fewer or none although there are more. */
  read(transcript: Transcript, from: Position, limit: number): Promise<Passage>;

  /**
   * The entries between two serials, both included, with any of at most 100 ids, in any order. Reads a bounded number
   * of entries, beginning with the newest.
   */
  find(
    transcript: Transcript,
    ids: readonly string[],
    range: { readonly first: string; readonly last: string },
  ): Promise<readonly Copy[]>;

  /**
   * Counts the entries above `after` that are not from `except`. Stops when more than `limit` are certainly not copies,
   * or after a bounded number of entries.
   */
  count(
    transcript: Transcript,
    options: { readonly after: string; readonly except: MessageSource; readonly limit: number },
  ): Promise<BoundedCount>;
}
