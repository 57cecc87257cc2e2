import { composeAddressStates, composeDelivery, composeDirectory } from '../server/aws/index.ts';
import { createLogger } from '../server/logger.ts';
import { createWork } from '../server/work.ts';

const now = Date.now;
const log = createLogger();
const directory = composeDirectory(now);
const { delivery, poster } = composeDelivery({ directory, log });

/** `work`: does what the others put on the queue: large deliveries, and closing connections that missed a message. */
export const handler = createWork({ directory, delivery, poster, states: composeAddressStates(now), log, now });
