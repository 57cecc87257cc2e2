import { composeAddressStates, composeDirectory, composeMessageLog } from '../server/aws/index.ts';
import { readCallbackUrl, readDirectoryConfig, readExpectedConnections, readLogConfig } from '../server/config.ts';
import { createLogger } from '../server/logger.ts';
import { createRegister } from '../server/register.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const config = { ...readDirectoryConfig(), ...readLogConfig() };
const register = createRegister({
  directory: composeDirectory(now, config),
  log: composeMessageLog(now, config),
  states: composeAddressStates(now, config),
  callbackUrl: readCallbackUrl(),
  retentionSeconds: config.retentionSeconds,
  expectedConnections: readExpectedConnections(),
  now,
});

/** `register`: makes this connection one of its user's, and gives it what it has missed. */
export const handler = messageRoute('register', { log: createLogger(), now }, async (frame, connection) => {
  const registered = await register(connection, frame);
  return registered.ok ? { ok: true, value: { reply: registered.value } } : registered;
});
