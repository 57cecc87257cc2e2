import { backoffDelayMs } from '../../client/backoff.ts';
import { resolveOptions } from '../../client/options.ts';

/** How long a client waits before the attempt that follows `failures` failed ones; `undefined`: it has given up. */
export type Waits = (failures: number, random: () => number) => number | undefined;

export interface ReconnectingClient {
  readonly name: string;
  readonly waits: Waits;
}

const { minBackoffMs, maxBackoffMs } = resolveOptions({ url: 'wss://example.com', getToken: () => '' });

/** The client of this project, by the code that it ships. @param capMs Default: the client's own. */
export function beckon(capMs: number = maxBackoffMs): ReconnectingClient {
  const backoff = { minBackoffMs, maxBackoffMs: capMs };
  const name = capMs === maxBackoffMs ? 'beckon' : `beckon, maxBackoffMs: ${capMs.toLocaleString('en')}`;
  return { name, waits: (failures, random) => backoffDelayMs(failures, random, backoff) };
}

/** What others do by default, as read from their sources in 2026 (Ably: from its specification, RTB1). */
export const OTHER_CLIENTS: readonly ReconnectingClient[] = [
  {
    name: 'centrifuge-js 5.7',
    waits: (failures, random) => Math.min(20_000, 500 + random() * Math.min(20_000, 500 * 2 ** failures)),
  },
  {
    name: 'reconnecting-websocket 4',
    // The base is chosen once for each client; here, once for each wait, which is kinder.
    waits: (failures, random) => Math.min(10_000, (1_000 + random() * 4_000) * 1.3 ** failures),
  },
  {
    name: 'socket.io-client 4',
    waits: (failures, random) => {
      const waitMs = 1_000 * 2 ** failures;
      const deviationMs = random() * 0.5 * waitMs;
      return Math.min(5_000, random() < 0.5 ? waitMs - deviationMs : waitMs + deviationMs);
    },
  },
  {
    name: 'Ably (specification)',
    waits: (failures, random) => {
      if (failures === 0) return 0;
      const growth = Math.min((failures + 2) / 3, 2);
      return 15_000 * growth * (0.8 + random() * 0.2);
    },
  },
  { name: '@azure/web-pubsub-client', waits: () => 1_000 },
  {
    name: 'Phoenix',
    waits: (failures) => [10, 50, 100, 150, 200, 250, 500, 1_000, 2_000][failures] ?? 5_000,
  },
  { name: 'partysocket 1.3', waits: (failures) => Math.min(10_000, 3_000 * 1.3 ** failures) },
  {
    name: 'graphql-ws 6',
    waits: (failures, random) => (failures < 5 ? 1_000 * 2 ** failures + 300 + random() * 2_700 : undefined),
  },
];
