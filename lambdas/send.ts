import { composeDirectory, composeSend } from '../server/aws/index.ts';
import { createLogger } from '../server/logger.ts';
import { createServiceSend } from '../server/sending/service-send.ts';

const now = Date.now;
const log = createLogger();
const send = composeSend({ directory: composeDirectory({ now }), now, log });

/** `send`: sends on behalf of a service, for Lambdas in any language: invoked with `{ to, data }` or `{ messages }`. */
export const handler = createServiceSend({ send, log, now });
