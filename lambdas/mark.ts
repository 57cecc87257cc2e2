import {
  composeDirectory,
  composeEdge,
  composeGate,
  composeInboxes,
  composeMarkers,
  composeMessageLog,
  composePosting,
  composeSurcharge,
} from '../server/aws/index.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createPermit } from '../server/gate/gate.ts';
import { createMark } from '../server/history/markers.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const directory = composeDirectory({ now });
const mark = createMark({
  permit: createPermit(composeGate({ directory, now }).admit),
  markers: composeMarkers(now),
  log: composeMessageLog(now),
  inboxes: composeInboxes(now),
  directory,
  posting: composePosting({ directory, log, surcharge: composeSurcharge(now, log) }).posting,
  now,
});

/** `mark`: moves the markers of the connection's user, and tells the authors of the messages and the user's other connections. */
export const handler = messageRoute('mark', edge, mark);
