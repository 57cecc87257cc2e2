import { createPermit } from '../server/admission.ts';
import {
  composeDelivery,
  composeDirectory,
  composeEdge,
  composeGate,
  composeInboxes,
  composeMarkers,
  composeMessageLog,
  composeSurcharge,
} from '../server/aws/index.ts';
import { createMark } from '../server/mark.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const directory = composeDirectory(now);
const mark = createMark({
  permit: createPermit(composeGate({ directory, now }).admit),
  markers: composeMarkers(now),
  log: composeMessageLog(now),
  inboxes: composeInboxes(now),
  directory,
  delivery: composeDelivery({ directory, log, surcharge: composeSurcharge(now, log) }).delivery,
  now,
});

/** `mark`: notes how far messages have come with the connection's user, and tells those who sent them. */
export const handler = messageRoute('mark', edge, mark);
