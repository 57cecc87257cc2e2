import { createPermit } from '../server/admission.ts';
import { composeAdmit, composeDirectory, composeResume } from '../server/aws/index.ts';
import { readSizeLimits } from '../server/config.ts';
import { createJoin } from '../server/join.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const permit = createPermit(composeAdmit({ directory: composeDirectory(now), now }));
const join = createJoin({ permit, resume: composeResume(now), now });

/** `join`: subscribes this connection to a room, and gives it what it has missed there. */
export const handler = messageRoute('join', { log: createLogger(), limits: readSizeLimits(), now }, join);
