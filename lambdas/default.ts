import { composeEdge } from '../server/aws/index.ts';
import { defaultRoute } from '../server/edge/route.ts';

/** `$default`: answers whatever no route takes with what is wrong with it. */
export const handler = defaultRoute(composeEdge(Date.now));
