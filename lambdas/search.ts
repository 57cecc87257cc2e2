import { problem } from '../protocol/index.ts';
import {
  composeDirectory,
  composeEdge,
  composeGate,
  composeSearchIndex,
  composeTranscripts,
} from '../server/aws/index.ts';
import { readSearchConfig } from '../server/config.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createPermit } from '../server/gate/gate.ts';
import { createSearch, type Search } from '../server/search/search.ts';

const now = Date.now;

/** Without search the function has no permission to read the index: it refuses every query. */
const search: Search = readSearchConfig()
  ? createSearch({
      permit: createPermit(composeGate({ directory: composeDirectory({ now }), now }).admit),
      index: composeSearchIndex(now),
      transcripts: composeTranscripts(now),
    })
  : async () => ({ ok: false, problem: problem('search_disabled') });

/** `search`: finds messages of a conversation by their words. */
export const handler = messageRoute('search', composeEdge(now), search);
