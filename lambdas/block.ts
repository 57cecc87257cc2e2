import { composeDirectory, composeEdge, composeGate, composeInboxes } from '../server/aws/index.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createBlock } from '../server/sending/block.ts';

const now = Date.now;
const block = createBlock({
  admit: composeGate({ directory: composeDirectory({ now }), now }).admit,
  inboxes: composeInboxes(now),
});

/** `block`: changes and tells whose messages the connection's user does not accept. */
export const handler = messageRoute('block', composeEdge(now), block);
