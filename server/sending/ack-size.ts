import {
  jsonByteLength,
  MAX_ID_LENGTH,
  MAX_REPLY_BYTES,
  type MessageInput,
  type Problem,
  problem,
  type SendFailure,
  type SendResult,
} from '../../protocol/index.ts';
import { roomAddress } from '../address.ts';
import { forbidden } from '../auth/capability.ts';
import { replyBytes } from '../reply-size.ts';

/** A message of a batch, or what is wrong with it. */
export type Judged = { readonly input: MessageInput } | SendFailure;

const LONGEST_ID = 'x'.repeat(MAX_ID_LENGTH);

/** The last of what one reply can tell: the sender may go on at once with the others. */
const TOO_LARGE: Problem = { ...problem('reply_too_large'), retryAfterMs: 0 };

/**
 * Lets pass as many messages of a frame as one reply can tell the results of, and refuses those behind them: all of them, so
 * that none overtakes another.
 */
export function withinReply(messages: readonly Judged[]): readonly Judged[] {
  // The result of one message fits always.
  if (messages.length === 1) return messages;
  let left = MAX_REPLY_BYTES - replyBytes({ type: 'ack', results: [] });
  for (const message of messages) left -= 1 + jsonByteLength('input' in message ? refusal(message.input) : message);
  let isFull = false;
  return messages.map((message) => {
    if (!('input' in message)) return message;
    const refused = refusal(message.input);
    const more = maxResultBytes(message.input) - jsonByteLength(refused);
    isFull ||= more > left;
    if (isFull) return refused;
    left -= more;
    return message;
  });
}

function refusal({ id }: MessageInput): SendFailure {
  return { ...(id !== undefined && { id }), error: TOO_LARGE };
}

/** The most bytes that the result of a message takes, whatever becomes of it. */
function maxResultBytes({ to }: MessageInput): number {
  const names = 'room' in to ? [] : 'users' in to ? to.users : [to.user];
  const most = Number.MAX_SAFE_INTEGER;
  const accepted: SendResult = {
    id: LONGEST_ID,
    serial: '0'.repeat(26),
    status: 'delivered',
    connections: { delivered: most, gone: most, failed: most },
    users: names.map((user) => ({ user, status: 'not_accepted' })),
    duplicate: true,
  };
  // To be told of one user that is forbidden is shorter.
  if (!('room' in to)) return jsonByteLength(accepted);
  const refused: SendFailure = { id: LONGEST_ID, error: forbidden('send', roomAddress(to.room)) };
  return Math.max(jsonByteLength(accepted), jsonByteLength(refused));
}
