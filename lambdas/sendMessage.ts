import { composeDirectory, composeEdge, composeGate, composeSend, composeSurcharge } from '../server/aws/index.ts';
import { readSizeLimits, readTariff } from '../server/config.ts';
import { messageRoute } from '../server/edge/route.ts';
import { sendMetrics } from '../server/sending/batch.ts';
import { createSendMessage } from '../server/sending/send-message.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const directory = composeDirectory({ now });
const limits = readSizeLimits();
const sendMessage = createSendMessage({
  send: composeSend({ directory, now, log, surcharge: composeSurcharge(now, log) }),
  admit: composeGate({ directory, now }).admit,
  limits,
  tariff: readTariff(),
});

/** `sendMessage`: sends one message or a batch on behalf of the connection's user. */
export const handler = messageRoute('sendMessage', edge, sendMessage, ({ results }) => sendMetrics(results));
