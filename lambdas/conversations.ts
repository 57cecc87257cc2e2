import { problem } from '../protocol/index.ts';
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
import { type Conversations, createConversations } from '../server/history/conversations.ts';

const now = Date.now;
const config = { ...readDirectoryConfig(), ...readLogConfig() };
const list = composeConversationList(now, config);

/** Without the list the function has no permission to read it: it refuses every frame. */
const conversations: Conversations = list
  ? createConversations({
      permit: createPermit(composeGate({ directory: composeDirectory({ now, config }), now }).admit),
      list,
      transcripts: composeTranscripts(now, config),
      markers: composeMarkers(now, config),
      retentionSeconds: config.retentionSeconds,
      now,
    })
  : async () => ({ ok: false, problem: problem('conversations_disabled') });

/** `conversations`: lists the conversations of the connection's user. */
export const handler = messageRoute('conversations', composeEdge(now), conversations);
