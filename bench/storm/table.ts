import { createRandom } from '../../local/random.ts';
import { NEW_CONNECTIONS_PER_SECOND } from '../../protocol/limits.ts';
import type { ReconnectingClient } from './clients.ts';
import { simulate } from './simulation.ts';

const OUTAGE_MS = 30_000;

export const STORM_HEADER = `| client | peak attempts / s | attempts each | 99 % back | gave up |
|---|---:|---:|---:|---:|`;

/** Returns the row of one kind of client in a storm of this size. `docs/client.md` has some of the rows. */
export function stormRow(client: ReconnectingClient, clients: number): string {
  const storm = { clients, outageMs: OUTAGE_MS, acceptedPerSecond: NEW_CONNECTIONS_PER_SECOND };
  const random = createRandom(1, client.name);
  const { peakPerSecond, attempts, back99Ms, gaveUp } = simulate({ ...storm, client, random });
  const back = back99Ms === undefined ? 'never' : `${(back99Ms / 1_000).toFixed(1)} s`;
  return `| ${[client.name, peakPerSecond, (attempts / clients).toFixed(1), back, gaveUp].join(' | ')} |`;
}
