/**
 * A reconnect storm: all clients of a region lose their connection at once, and 30 s later API Gateway lets them in again,
 * 500 a second, its quota. How hard do they knock, and when is everybody back? The waits are those of the shipped client,
 * beside what other clients do by default.
 *
 *     npx tsx bench/storm.ts
 */
import { createRandom } from '../local/random.ts';
import { beckon, OTHER_CLIENTS, type ReconnectingClient } from './storm/clients.ts';
import { simulate } from './storm/simulation.ts';

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html */
const ACCEPTED_PER_SECOND = 500;
const OUTAGE_MS = 30_000;

function row({ name, waits }: ReconnectingClient, clients: number): string {
  const storm = { clients, outageMs: OUTAGE_MS, acceptedPerSecond: ACCEPTED_PER_SECOND };
  const { peakPerSecond, back99Ms, gaveUp } = simulate({ ...storm, waits, random: createRandom(1, name) });
  const back = back99Ms === undefined ? 'never' : `${(back99Ms / 1_000).toFixed(1)} s`;
  const columns = [name.padEnd(32), String(peakPerSecond).padStart(8), back.padStart(9), `${gaveUp}`.padStart(7)];
  return `| ${columns.join(' | ')} |`;
}

function table(clients: number, rows: readonly ReconnectingClient[]): void {
  const limitSeconds = clients / ACCEPTED_PER_SECOND;
  process.stdout.write(`
${clients.toLocaleString('en')} clients (at best, all are back after ${limitSeconds} s)

| client                           | peak / s | 99 % back | gave up |
|----------------------------------|---------:|----------:|--------:|
${rows.map((client) => row(client, clients)).join('\n')}
`);
}

table(10_000, [beckon(), ...OTHER_CLIENTS]);
table(100_000, [beckon(), beckon(200_000)]);
