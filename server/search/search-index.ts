import type { Message } from '../../protocol/index.ts';
import type { Address, Transcript } from '../address.ts';
import type { TranscriptEntry } from '../history/transcripts.ts';

/** Where a message is, in which a word occurs. */
export interface Hit {
  readonly serial: string;
  /** The address in whose log it is. */
  readonly address: Address;
}

/** Some of the hits; there are more if `next` is there, which is where to go on. */
export interface Hits {
  readonly hits: readonly Hit[];
  readonly next?: string;
}

/** Words → messages, by transcript. Never an expired one; what was added in the last moments may be missing. */
export interface SearchIndex {
  /** Adds a message under each of its words, which are all different. Adding it again changes nothing. */
  add(
    transcript: Transcript,
    hit: Hit,
    words: readonly string[],
    /** Epoch seconds. */
    expiresAt: number,
  ): Promise<void>;

  /** The messages below `before` (or of all) in which a word occurs, the newest first. `next` is a serial. */
  find(transcript: Transcript, word: string, before?: string): Promise<Hits>;

  /** The messages in which a word begins with a prefix, in no order, perhaps several times. `next` is for `from`. */
  findPrefix(transcript: Transcript, prefix: string, from?: string): Promise<Hits>;

  /** The entries at some hits, of which there are at most 100, in their order; without those that are no longer there. */
  fetch(hits: readonly Hit[]): Promise<readonly TranscriptEntry[]>;
}

/** A message that is to be indexed. */
export interface Indexable {
  readonly transcript: Transcript;
  readonly address: Address;
  readonly message: Message;
  /** Epoch seconds. */
  readonly expiresAt: number;
}
