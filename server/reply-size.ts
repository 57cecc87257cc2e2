import {
  jsonByteLength,
  MAX_ID_LENGTH,
  MAX_REPLY_BYTES,
  MAX_SHOWN_BYTES,
  type Message,
  type RegisteredReply,
  type Reply,
} from '../protocol/index.ts';

/** The id of a frame that takes most bytes: characters of one byte, escaped, take six. */
const LARGEST_ID = '\u0001'.repeat(MAX_ID_LENGTH);

/** The bytes of a reply with these fields, whatever id its frame has. */
export function replyBytes(reply: Reply): number {
  return jsonByteLength({ ...reply, id: LARGEST_ID });
}

/**
 * The rooms that a reply to `register` still has room for. A client joins those again that are missing, and so they may be
 * missing.
 */
export function fittingRooms(reply: Omit<RegisteredReply, 'id'>, rooms: readonly string[]): readonly string[] {
  let left = MAX_REPLY_BYTES - replyBytes({ ...reply, rooms: [] });
  return rooms.filter((room) => {
    left -= jsonByteLength(room) + 1;
    return left >= 0;
  });
}

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
