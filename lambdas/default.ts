import { composeEdge } from '../server/aws/index.ts';
import { defaultRoute } from '../server/edge/route.ts';

/** `$default`: tells the sender of a frame that no other route takes what is wrong with it. */
export const handler = defaultRoute(composeEdge(Date.now));
