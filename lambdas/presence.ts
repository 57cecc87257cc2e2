import { createAskPresence } from '../server/ask-presence.ts';
import { composeAdmit, composeAnnouncements, composeDirectory, composeTasks } from '../server/aws/index.ts';
import { readCallbackUrl, readSizeLimits } from '../server/config.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const directory = composeDirectory(now);
const askPresence = createAskPresence({
  admit: composeAdmit({ directory, now }),
  directory,
  announcements: composeAnnouncements(now),
  tasks: composeTasks(),
  callbackUrl: readCallbackUrl(),
  now,
});

/** `presence`: who is online, or in a room, and from now on who comes and goes. */
export const handler = messageRoute('presence', { log: createLogger(), limits: readSizeLimits(), now }, askPresence);
