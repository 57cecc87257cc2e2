import { composeAdmit, composeDirectory, composeSend } from '../server/aws/index.ts';
import { sendBatch, sendMetrics } from '../server/batch.ts';
import { readSizeLimits } from '../server/config.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const log = createLogger();
const directory = composeDirectory(now);
const admit = composeAdmit({ directory, now });
const limits = readSizeLimits();
const send = composeSend({ directory, now, log });

/** `sendMessage`: sends one message, or a batch, on behalf of the connection's user. */
export const handler = messageRoute('sendMessage', { log, limits, now }, async (frame, connection) => {
  const { action: _, ...message } = frame;
  const origin = { from: { user: connection.userId }, connectionId: connection.connectionId };
  const messages = 'messages' in message ? message.messages : [message];
  const sent = await sendBatch(send, origin, messages, {
    admission: admit(connection, { cost: messages.length }),
    limits,
  });
  if (!sent.ok) return sent;
  const [first] = sent.value;
  if (!('messages' in message) && first && 'error' in first) return { ok: false, problem: first.error };
  return { ok: true, value: { reply: { type: 'ack', results: sent.value }, metrics: sendMetrics(sent.value) } };
});
