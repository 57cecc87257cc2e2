import { composeAdmit, composeDirectory, composeTasks } from '../server/aws/index.ts';
import { readSizeLimits } from '../server/config.ts';
import { createLeave } from '../server/join.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const directory = composeDirectory(now);
const leave = createLeave({ admit: composeAdmit({ directory, now }), directory, tasks: composeTasks() });

/** `leave`: takes this connection out of a room. */
export const handler = messageRoute('leave', { log: createLogger(), limits: readSizeLimits(), now }, leave);
