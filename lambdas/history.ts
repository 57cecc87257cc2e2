import { composeDirectory, composeEdge, composeGate, composeMarkers, composeTranscripts } from '../server/aws/index.ts';
import { readDirectoryConfig, readLogConfig } from '../server/config.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createPermit } from '../server/gate/gate.ts';
import { createHistory } from '../server/history/history.ts';

const now = Date.now;
const config = { ...readDirectoryConfig(), ...readLogConfig() };
const history = createHistory({
  permit: createPermit(composeGate({ directory: composeDirectory({ now, config }), now }).admit),
  transcripts: composeTranscripts(now, config),
  markers: composeMarkers(now, config),
});

/** `history`: reads one page of a conversation with a user or in a room. */
export const handler = messageRoute('history', composeEdge(now), history);
