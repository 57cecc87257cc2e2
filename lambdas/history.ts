import { createPermit } from '../server/admission.ts';
import { composeDirectory, composeEdge, composeGate, composeMarkers, composeTranscripts } from '../server/aws/index.ts';
import { readDirectoryConfig, readLogConfig } from '../server/config.ts';
import { createHistory } from '../server/history.ts';
import { messageRoute } from '../server/route.ts';

const now = Date.now;
const config = { ...readDirectoryConfig(), ...readLogConfig() };
const history = createHistory({
  permit: createPermit(composeGate({ directory: composeDirectory(now, config), now }).admit),
  transcripts: composeTranscripts(now, config),
  markers: composeMarkers(now, config),
});

/** `history`: gives one page of what was said with a user or in a room. */
export const handler = messageRoute('history', composeEdge(now), history);
