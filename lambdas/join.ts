import {
  composeConversationList,
  composeDirectory,
  composeEdge,
  composeGate,
  composeResume,
  composeSurcharge,
} from '../server/aws/index.ts';
import { readSizeLimits } from '../server/config.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createPermit } from '../server/gate/gate.ts';
import { createJoin } from '../server/rooms/join.ts';
import { createSubscribe } from '../server/rooms/subscribe.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const directory = composeDirectory({ now, surcharge: composeSurcharge(now, log) });
const limits = readSizeLimits();
const join = createJoin({
  permit: createPermit(composeGate({ directory, now }).admit),
  subscribe: createSubscribe({ directory, limits }),
  resume: composeResume(now),
  list: composeConversationList(now),
  now,
});

/** `join`: subscribes the connection to a room, and returns the messages that it missed there. */
export const handler = messageRoute('join', edge, join);
