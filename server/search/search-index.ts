import type { Message } from '../../protocol/index.ts';
import type { Address, Transcript } from '../address.ts';
import type { TranscriptEntry } from '../history/transcripts.ts';

/** A message in which a word occurs. */
export interface Hit {
  readonly serial: string;
  /** The address whose log has the message. */
  readonly address: Address;
}

/** Some of the hits. If there are more, `next` is where to continue. */
export interface Hits {
  readonly hits: readonly Hit[];
  readonly next?: string;
}

/** Words → messages, by transcript, without expired ones. Messages of the last moments may be missing. */
export interface SearchIndex {
  /** Adds a message under its words, each of them once. Adding it again changes nothing. */
  add(
    transcript: Transcript,
    hit: Hit,
    words: readonly string[],
    /** Epoch seconds. */
    expiresAt: number,
  ): Promise<void>;

  /** The messages below `before` (or all) in which a word occurs, the newest first. `next` is a serial. */
  find(transcript: Transcript, word: string, before?: string): Promise<Hits>;

  /** The messages with a word that begins with a prefix, in any order, perhaps several times. `next` is for `from`. */
  findPrefix(transcript: Transcript, prefix: string, from?: string): Promise<Hits>;

  /** The entries at up to 100 hits, in their order, without those that no longer exist. */
  fetch(hits: readonly Hit[]): Promise<readonly TranscriptEntry[]>;
}

/** A message to index. */
export interface Indexable {
  readonly transcript: Transcript;
  readonly address: Address;
  readonly message: Message;
  /** Epoch seconds. */
  readonly expiresAt: number;
}
