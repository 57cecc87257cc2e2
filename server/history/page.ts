import { jsonByteLength, MAX_REPLY_BYTES, MAX_SHOWN_BYTES, type Message } from '../../protocol/index.ts';

/** What a page may take of a frame, in bytes; the rest is for the reply around it. */
const MAX_PAGE_BYTES = MAX_REPLY_BYTES - 4 * 1024 - MAX_SHOWN_BYTES;

/** As many messages as go into one reply. */
export interface PageOfMessages {
  readonly messages: readonly Message[];
  /** Adds a message, unless the page is full; says whether it did. */
  add(message: Message): boolean;
}

/** An empty page, for at most `maxMessages` that together fit into one frame. */
export function createPage(maxMessages: number): PageOfMessages {
  const messages: Message[] = [];
  let bytes = 0;
  return {
    messages,
    add(message) {
      bytes += jsonByteLength(message) + 1;
      if (messages.length === maxMessages || bytes > MAX_PAGE_BYTES) return false;
      messages.push(message);
      return true;
    },
  };
}
