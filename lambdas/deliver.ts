import { composeAddressStates, composeDirectory, composePosting, composeSurcharge } from '../server/aws/index.ts';
import { readPostsPerSecond } from '../server/config.ts';
import { createDeliveryRunner } from '../server/edge/run-deliveries.ts';
import { createLogger } from '../server/logger.ts';
import { SYSTEM_CLOCK } from '../server/sending/paced.ts';

const { now } = SYSTEM_CLOCK;
const log = createLogger();
const directory = composeDirectory({ now });
const { posting, tasks } = composePosting({ directory, log, surcharge: composeSurcharge(now, log) });

/** `deliver`: posts to the connections of large rooms and to many watchers, in parts. */
export const handler = createDeliveryRunner({
  ...{ directory, posting, tasks, log },
  states: composeAddressStates(now),
  postsPerSecond: readPostsPerSecond(),
  clock: SYSTEM_CLOCK,
});
