import { composeDirectory, composeGate, composeSurcharge, composeTasks } from '../server/aws/index.ts';
import { readSizeLimits } from '../server/config.ts';
import { createLeave } from '../server/join.ts';
import { createLogger } from '../server/logger.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const log = createLogger();
const directory = composeDirectory(now, undefined, composeSurcharge(now, log));
const leave = createLeave({ admit: composeGate({ directory, now }).admit, directory, tasks: composeTasks() });

/** `leave`: takes this connection out of a room. */
export const handler = messageRoute('leave', { log, limits: readSizeLimits(), now }, leave);
