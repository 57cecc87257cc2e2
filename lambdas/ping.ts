import {
  composeAddressStates,
  composeDirectory,
  composeEdge,
  composeGate,
  composeMessageLog,
} from '../server/aws/index.ts';
import { readDirectoryConfig, readLogConfig } from '../server/config.ts';
import { createPing } from '../server/connections/ping.ts';
import { messageRoute } from '../server/edge/route.ts';

const now = Date.now;
const config = { ...readDirectoryConfig(), ...readLogConfig() };
const ping = createPing({
  admit: composeGate({ directory: composeDirectory({ now, config }), now }).admit,
  log: composeMessageLog(now, config),
  states: composeAddressStates(now, config),
  now,
});

/** `ping`: keeps the registration alive, acknowledges messages, and returns those that the connection missed. */
export const handler = messageRoute('ping', composeEdge(now), ping);
