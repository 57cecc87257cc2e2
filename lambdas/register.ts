import { composeAuthenticate, composeRevocations } from '../server/aws/authorize.ts';
import {
  composeDirectory,
  composeEdge,
  composeGate,
  composeResume,
  composeSurcharge,
  composeTasks,
} from '../server/aws/index.ts';
import {
  readCallbackUrl,
  readExpectedConnections,
  readRateLimit,
  readSizeLimits,
  readTariff,
  readUserRateLimit,
} from '../server/config.ts';
import { createRegister } from '../server/connections/register.ts';
import { messageRoute } from '../server/edge/route.ts';
import { lower } from '../server/gate/rate-limit.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const limits = readSizeLimits();
const surcharge = composeSurcharge(now, log);
const directory = composeDirectory({ now, surcharge });
const { admit, enter } = composeGate({ directory, now });
const register = createRegister({
  resume: composeResume(now, enter),
  admit,
  directory,
  surcharge,
  authenticate: composeAuthenticate(now, log),
  revocations: composeRevocations(now),
  tasks: composeTasks(),
  callbackUrl: readCallbackUrl(),
  expectedConnections: readExpectedConnections(),
  rateLimit: lower(readRateLimit(), readUserRateLimit()),
  sizeLimits: limits,
  tariff: readTariff(),
  now,
});

/** `register`: connects the user: messages arrive from now on. Returns the messages that the connection missed. */
export const handler = messageRoute('register', edge, register);
