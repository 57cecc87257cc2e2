import { createPermit } from '../server/admission.ts';
import { composeDirectory, composeEdge, composeGate, composeResume, composeSurcharge } from '../server/aws/index.ts';
import { readSizeLimits } from '../server/config.ts';
import { createJoin } from '../server/join.ts';
import { messageRoute } from '../server/route.ts';
import { createSubscribe } from '../server/subscribe.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const directory = composeDirectory(now, undefined, composeSurcharge(now, log));
const limits = readSizeLimits();
const join = createJoin({
  permit: createPermit(composeGate({ directory, now }).admit),
  subscribe: createSubscribe({ directory, limits }),
  resume: composeResume(now),
  now,
});

/** `join`: subscribes this connection to a room, and gives it what it has missed there. */
export const handler = messageRoute('join', edge, join);
