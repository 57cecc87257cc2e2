import type { ErrorCode, Message, Reply } from '../../protocol/index.ts';
import type { WireClient } from './wire-client.ts';

export type Frame = Readonly<Record<string, unknown>>;

/** What came of a frame. `duplicate`: an ack which says that the message had been sent before. */
export type Outcome = Reply['type'] | ErrorCode | 'duplicate';

/** The type of a reply; of an error, and of a `bye`, its code; of an ack what became of its first message. */
export function outcomeOf(reply: Frame): Outcome {
  const [result] = (reply['results'] ?? []) as readonly { error?: { code: ErrorCode }; duplicate?: true }[];
  if (result?.error) return result.error.code;
  if (result?.duplicate) return 'duplicate';
  return (reply['code'] ?? reply['type']) as Outcome;
}

export function messagesIn({ messages = [] }: Frame): readonly Message[] {
  return messages as readonly Message[];
}

/** Whether the frame is a push of that type, and not a reply. */
export function isPush({ type, id }: Frame, wanted: string): boolean {
  return type === wanted && id === undefined;
}

/** Waits until whatever has been posted to a client is there: frames of one connection do not overtake each other. */
export function arrived({ socket }: WireClient): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) return resolve();
    socket.once('pong', () => resolve());
    socket.once('close', () => resolve());
    socket.ping();
  });
}
