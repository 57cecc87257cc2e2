import { composeDirectory } from '../server/aws/index.ts';
import { readRegisterConfig } from '../server/config.ts';
import { createLogger } from '../server/logger.ts';
import { createRegister } from '../server/register.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const config = readRegisterConfig();
const register = createRegister({ directory: composeDirectory(now, config), callbackUrl: config.callbackUrl, now });

/** `register`: makes this connection one of its user's. */
export const handler = messageRoute('register', { log: createLogger(), now }, async (_frame, connection) => ({
  ok: true,
  value: { reply: await register(connection) },
}));
