import { readSizeLimits } from '../server/config.ts';
import { createLogger } from '../server/logger.ts';
import { defaultRoute } from '../server/route.ts';

/** `$default`: answers whatever no route takes with what is wrong with it. */
export const handler = defaultRoute({ log: createLogger(), limits: readSizeLimits(), now: Date.now });
