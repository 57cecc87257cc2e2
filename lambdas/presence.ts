import {
  composeDirectory,
  composeEdge,
  composeGate,
  composePresenceStates,
  composeSurcharge,
  composeTasks,
} from '../server/aws/index.ts';
import { readCallbackUrl, readSizeLimits } from '../server/config.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createPermit } from '../server/gate/gate.ts';
import { createAskPresence } from '../server/presence/ask-presence.ts';
import { createSubscribe } from '../server/rooms/subscribe.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const directory = composeDirectory({ now, surcharge: composeSurcharge(now, log) });
const limits = readSizeLimits();
const askPresence = createAskPresence({
  permit: createPermit(composeGate({ directory, now }).admit),
  subscribe: createSubscribe({ directory, limits }),
  directory,
  presenceStates: composePresenceStates(now),
  tasks: composeTasks(),
  callbackUrl: readCallbackUrl(),
  now,
});

/** `presence`: tells who is online or in a room, and can watch for changes. */
export const handler = messageRoute('presence', edge, askPresence);
