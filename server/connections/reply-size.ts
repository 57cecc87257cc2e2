import {
  jsonByteLength,
  MAX_ID_LENGTH,
  MAX_REPLY_BYTES,
  type RegisteredReply,
  type Reply,
} from '../../protocol/index.ts';

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
