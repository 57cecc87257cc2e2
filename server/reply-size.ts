import {
  jsonByteLength,
  MAX_ID_LENGTH,
  MAX_REPLY_BYTES,
  MAX_SHOWN_BYTES,
  type Message,
  type RegisteredReply,
  type Reply,
} from '../protocol/index.ts';

/** The id that takes most bytes: escaped characters of one byte take six. */
const LARGEST_ID = '\u0001'.repeat(MAX_ID_LENGTH);

/** The bytes of a reply, whatever id its frame has. */
export function replyBytes(reply: Reply): number {
  return jsonByteLength({ ...reply, id: LARGEST_ID });
}

/** The rooms that fit into a reply to `register`. The client joins the missing ones again. */
export function fittingRooms(reply: Omit<RegisteredReply, 'id'>, rooms: readonly string[]): readonly string[] {
  let left = MAX_REPLY_BYTES - replyBytes({ ...reply, rooms: [] });
  return rooms.filter((room) => {
    left -= jsonByteLength(room) + 1;
    return left >= 0;
  });
}

/** What a page may take of a frame, in bytes. The rest is for the reply around it. */
export const MAX_PAGE_BYTES = MAX_REPLY_BYTES - 4 * 1024 - MAX_SHOWN_BYTES;

/** The messages of one reply. */
export interface PageOfMessages {
  readonly messages: readonly Message[];
  /** Adds a message, unless the page is full. @returns whether it has added it */
  add(message: Message): boolean;
}

/** An empty page for at most `maxMessages`, which together fit into one frame. */
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
