import type { AckReply, Result, SendMessageFrame, SizeLimits, Tariff } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';
import type { Admit } from '../gate/gate.ts';
import { sendBatch } from './batch.ts';
import type { Send } from './send.ts';

/** Sends one message or a batch on behalf of a registered connection. If the only message is invalid, the frame is. */
export type SendMessage = (
  connection: Pick<Connection, 'connectionId' | 'userId' | 'capability'>,
  frame: SendMessageFrame,
  receivedAt?: number,
) => Promise<Result<Omit<AckReply, 'id'>>>;

export function createSendMessage(dependencies: {
  send: Send;
  admit: Admit;
  limits: SizeLimits;
  tariff: Tariff;
}): SendMessage {
  const { send, admit, limits, tariff } = dependencies;
  return async (connection, { action: _, ...frame }, receivedAt) => {
    const { userId, connectionId } = connection;
    const messages = 'messages' in frame ? frame.messages : [frame];
    const origin = { from: { user: userId }, connectionId, ...(receivedAt !== undefined && { receivedAt }) };
    const sent = await sendBatch(send, origin, messages, {
      admit: (cost) => admit(connection, { cost }),
      limits,
      tariff,
    });
    if (!sent.ok) return sent;
    const [first] = sent.value;
    if (!('messages' in frame) && first && 'error' in first) return { ok: false, problem: first.error };
    return { ok: true, value: { type: 'ack', results: sent.value } };
  };
}
