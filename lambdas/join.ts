import { createPermit } from '../server/admission.ts';
import { composeAdmit, composeDirectory, composeResume } from '../server/aws/index.ts';
import { readSizeLimits } from '../server/config.ts';
import { createJoin } from '../server/join.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';
import { createSubscribe } from '../server/subscribe.ts';

const now = Date.now;
const directory = composeDirectory(now);
const limits = readSizeLimits();
const join = createJoin({
  permit: createPermit(composeAdmit({ directory, now })),
  subscribe: createSubscribe({ directory, limits }),
  resume: composeResume(now),
  now,
});

/** `join`: subscribes this connection to a room, and gives it what it has missed there. */
export const handler = messageRoute('join', { log: createLogger(), limits, now }, join);
