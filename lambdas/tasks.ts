import {
  composeDirectory,
  composePosting,
  composePresenceStates,
  composeSearchIndex,
  composeSurcharge,
} from '../server/aws/index.ts';
import { readSearchConfig } from '../server/config.ts';
import { createTaskRunner } from '../server/edge/run-tasks.ts';
import { createLogger } from '../server/logger.ts';
import { createPresenceChecks } from '../server/presence/presence.ts';
import { createIndexMessages } from '../server/search/indexing.ts';

const now = Date.now;
const log = createLogger();
const directory = composeDirectory({ now });
const search = readSearchConfig();
const indexMessages = search && createIndexMessages(composeSearchIndex(now), search);
const { posting, poster, tasks } = composePosting({ directory, log, surcharge: composeSurcharge(now, log) });
const presence = createPresenceChecks({ directory, presenceStates: composePresenceStates(now), posting, tasks, now });

/** `tasks`: checks presence, indexes messages, and closes connections that missed a message. */
export const handler = createTaskRunner({ directory, poster, presence, tasks, indexMessages, log, now });
