import { composeAddressStates, composeDelivery, composeDirectory, composeSearchIndex } from '../server/aws/index.ts';
import { readSearchConfig } from '../server/config.ts';
import { createIndexMessages } from '../server/indexing.ts';
import { createLogger } from '../server/logger.ts';
import { createWork } from '../server/work.ts';

const now = Date.now;
const log = createLogger();
const directory = composeDirectory(now);
const search = readSearchConfig();
const indexMessages = search && createIndexMessages(composeSearchIndex(now), search);
const { delivery, poster } = composeDelivery({ directory, log });
const states = composeAddressStates(now);

/**
 * `work`: does what the others put on the queue: large deliveries, indexing messages by their words, and closing connections
 * that missed a message.
 */
export const handler = createWork({ directory, delivery, poster, states, indexMessages, log, now });
