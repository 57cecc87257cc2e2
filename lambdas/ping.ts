import { createAdmit } from '../server/admission.ts';
import { composeDirectory } from '../server/aws/index.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const admit = createAdmit({ directory: composeDirectory(now), now });

/** `ping`: keeps the registration alive. */
export const handler = messageRoute('ping', { log: createLogger(), now }, async (_frame, connection) => {
  const problem = await admit(connection);
  return problem ? { ok: false, problem } : { ok: true, value: { reply: { type: 'pong', serverTime: now() } } };
});
