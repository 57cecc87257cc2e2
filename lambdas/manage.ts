import { composeRevocations } from '../server/aws/authorize.ts';
import { composeDirectory, composeErasure, composeInboxes, composePosting } from '../server/aws/index.ts';
import { createDisconnect } from '../server/connections/disconnect.ts';
import { createLogger } from '../server/logger.ts';
import { createManage } from '../server/operations/manage.ts';

const now = Date.now;
const log = createLogger();
const directory = composeDirectory({ now });
const { poster } = composePosting({ directory, log });

/**
 * `manage`: disconnects users, revokes their tokens, erases them, and blocks senders on their behalf. Operators invoke
 * it: `beckon disconnect bob`.
 */
export const handler = createManage({
  directory,
  disconnect: createDisconnect({ directory, poster }),
  revocations: composeRevocations(now),
  erasure: composeErasure(),
  inboxes: composeInboxes(now),
  log,
  now,
});
