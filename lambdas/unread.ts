import {
  composeConversationList,
  composeDirectory,
  composeEdge,
  composeGate,
  composeMarkers,
  composeTranscripts,
} from '../server/aws/index.ts';
import { readDirectoryConfig, readLogConfig } from '../server/config.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createPermit } from '../server/gate/gate.ts';
import { createListing } from '../server/history/conversations.ts';
import { createUnread } from '../server/history/unread.ts';

const now = Date.now;
const config = { ...readDirectoryConfig(), ...readLogConfig() };
const { retentionSeconds } = config;
const transcripts = composeTranscripts(now, config);
const list = composeConversationList(now, config);
const listing = list && createListing({ list, transcripts, retentionSeconds, now });
const unread = createUnread({
  permit: createPermit(composeGate({ directory: composeDirectory({ now, config }), now }).admit),
  transcripts,
  markers: composeMarkers(now, config),
  total: listing?.total.bind(listing),
  retentionSeconds,
  now,
});

/** `unread`: counts the messages behind the read markers of the connection's user. */
export const handler = messageRoute('unread', composeEdge(now), unread);
