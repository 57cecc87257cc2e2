import {
  jsonByteLength,
  MAX_ID_LENGTH,
  MAX_REPLY_BYTES,
  type MessageFailure,
  type MessageInput,
  type Problem,
  problem,
  type SendResult,
} from '../../protocol/index.ts';
import { roomAddress } from '../address.ts';
import { forbidden } from '../auth/capability.ts';
import { replyBytes } from '../reply-size.ts';

/** A message of a batch, or why it is not sent. */
export type Judged = { readonly input: MessageInput } | MessageFailure;

const LONGEST_ID = 'x'.repeat(MAX_ID_LENGTH);

/** The least that a reply tells of a message: the sender may send it again at once. */
const TOO_LARGE: Problem = { ...problem('reply_too_large'), retryAfterMs: 0 };

/**
 * Accepts as many messages of a frame as one reply can tell the results of. It refuses all messages behind them, so
 * that none overtakes another.
 */
export function withinReply(messages: readonly Judged[]): readonly Judged[] {
  // The result of one message always fits.
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

function refusal({ id }: MessageInput): MessageFailure {
  return { ...(id !== undefined && { id }), error: TOO_LARGE };
}

/** The most bytes that the result of a message takes. */
function maxResultBytes({ to }: MessageInput): number {
  const names = 'room' in to ? [] : 'users' in to ? to.users : [to.user];
  const most = Number.MAX_SAFE_INTEGER;
  const accepted: SendResult = {
    id: LONGEST_ID,
    serial: '0'.repeat(26),
    status: 'sent',
    connections: { sent: most, gone: most, failed: most },
    users: names.map((user) => ({ user, status: 'not_accepted' })),
    duplicate: true,
  };
  // The problem of one forbidden user is shorter.
  if (!('room' in to)) return jsonByteLength(accepted);
  const refused: MessageFailure = { id: LONGEST_ID, error: forbidden('send', roomAddress(to.room)) };
  return Math.max(jsonByteLength(accepted), jsonByteLength(refused));
}
