import { createPermit } from '../server/admission.ts';
import { createAskPresence } from '../server/ask-presence.ts';
import { composeAdmit, composeAnnouncements, composeDirectory, composeTasks } from '../server/aws/index.ts';
import { readCallbackUrl, readSizeLimits } from '../server/config.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';
import { createSubscribe } from '../server/subscribe.ts';

const now = Date.now;
const directory = composeDirectory(now);
const limits = readSizeLimits();
const askPresence = createAskPresence({
  permit: createPermit(composeAdmit({ directory, now })),
  subscribe: createSubscribe({ directory, limits }),
  directory,
  announcements: composeAnnouncements(now),
  tasks: composeTasks(),
  callbackUrl: readCallbackUrl(),
  now,
});

/** `presence`: who is online, or in a room, and from now on who comes and goes. */
export const handler = messageRoute('presence', { log: createLogger(), limits, now }, askPresence);
