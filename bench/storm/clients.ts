import { backoffDelayMs } from '../../client/base/backoff.ts';
import { resolveOptions } from '../../client/options.ts';
import { backoffCapSeconds } from '../../protocol/limits.ts';

/** The wait before the attempt after `failures` failed ones; `undefined` if the client gives up. */
export type Waits = (failures: number) => number | undefined;

export interface ReconnectingClient {
  readonly name: string;
  /** Creates one client of a fleet. */
  start(random: () => number): Waits;
}

const { minBackoffMs, maxBackoffMs } = resolveOptions({ url: 'wss://example.com', getToken: () => '' });

/**
 * The client of this project, with its shipped code.
 * @param expectedConnections The construct's option, which the server sends to the client. Default: none.
 */
export function beckon(expectedConnections?: number): ReconnectingClient {
  const hinted = expectedConnections === undefined ? undefined : backoffCapSeconds(expectedConnections) * 1_000;
  const backoff = { minBackoffMs, maxBackoffMs: hinted ?? maxBackoffMs };
  const name =
    expectedConnections === undefined ? 'beckon' : `beckon, expecting ${expectedConnections.toLocaleString('en')}`;
  return { name, start: (random) => (failures) => backoffDelayMs(failures, random, backoff) };
}

/** The defaults of other clients, from their sources in 2026 (Ably: from its specification, RTB1). */
export const OTHER_CLIENTS: readonly ReconnectingClient[] = [
  {
    name: 'centrifuge-js 5.7',
    start: (random) => (failures) => Math.min(20_000, 500 + random() * Math.min(20_000, 500 * 2 ** failures)),
  },
  {
    name: 'reconnecting-websocket 4',
    start: (random) => {
      const baseMs = 1_000 + random() * 4_000;
      return (failures) => Math.min(10_000, baseMs * 1.3 ** failures);
    },
  },
  {
    name: 'socket.io-client 4',
    start: (random) => (failures) => {
      const waitMs = 1_000 * 2 ** failures;
      const deviationMs = random() * 0.5 * waitMs;
      return Math.min(5_000, random() < 0.5 ? waitMs - deviationMs : waitMs + deviationMs);
    },
  },
  {
    name: 'Ably (specification)',
    start: (random) => (failures) => {
      if (failures === 0) return 0;
      const growth = Math.min((failures + 2) / 3, 2);
      return 15_000 * growth * (0.8 + random() * 0.2);
    },
  },
  { name: '@azure/web-pubsub-client', start: () => () => 1_000 },
  {
    name: 'Phoenix',
    start: () => (failures) => [10, 50, 100, 150, 200, 250, 500, 1_000, 2_000][failures] ?? 5_000,
  },
  { name: 'partysocket 1.3', start: () => (failures) => Math.min(10_000, 3_000 * 1.3 ** failures) },
  {
    name: 'graphql-ws 6',
    start: (random) => (failures) => (failures < 5 ? 1_000 * 2 ** failures + 300 + random() * 2_700 : undefined),
  },
];
