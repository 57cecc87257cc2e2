import { composeAuthenticate, composeIdentities } from '../server/aws/authorize.ts';
import { composeDirectory, composeResume, composeTasks } from '../server/aws/index.ts';
import {
  readCallbackUrl,
  readExpectedConnections,
  readRateLimit,
  readSizeLimits,
  readUserRateLimit,
} from '../server/config.ts';
import { createLogger } from '../server/logger.ts';
import { lower } from '../server/rate-limit.ts';
import { createRegister } from '../server/register.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const log = createLogger();
const limits = readSizeLimits();
const register = createRegister({
  resume: composeResume(now),
  directory: composeDirectory(now),
  authenticate: composeAuthenticate(now, log),
  identities: composeIdentities(now),
  tasks: composeTasks(),
  callbackUrl: readCallbackUrl(),
  expectedConnections: readExpectedConnections(),
  rateLimit: lower(readRateLimit(), readUserRateLimit()),
  sizeLimits: limits,
  now,
});

/** `register`: makes this connection one of its user's, and gives it what it has missed. */
export const handler = messageRoute('register', { log, limits, now }, register);
