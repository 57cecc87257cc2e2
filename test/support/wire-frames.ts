import type { ErrorCode, Message, Reply } from '../../protocol/index.ts';
import type { WireClient } from './wire-client.ts';

export type Frame = Readonly<Record<string, unknown>>;

/** The outcome of a frame. `duplicate`: the ack of a message that was sent before. */
export type Outcome = Reply['type'] | ErrorCode | 'duplicate';

/** Returns the type of a reply, the code of an error or `bye`, or the outcome of an ack's first message. */
export function outcomeOf(reply: Frame): Outcome {
  const [result] = (reply['results'] ?? []) as readonly { error?: { code: ErrorCode }; duplicate?: true }[];
  if (result?.error) return result.error.code;
  if (result?.duplicate) return 'duplicate';
  return (reply['code'] ?? reply['type']) as Outcome;
}

export function messagesIn({ messages = [] }: Frame): readonly Message[] {
  return messages as readonly Message[];
}

/** Whether the frame is a push of the wanted type, and not a reply. */
export function isPush({ type, id }: Frame, wanted: string): boolean {
  return type === wanted && id === undefined;
}

/** Waits until all posted frames have arrived: frames of one connection keep their order. */
export function arrived({ socket }: WireClient): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) return resolve();
    socket.once('pong', () => resolve());
    socket.once('close', () => resolve());
    socket.ping();
  });
}
