/**
 * Simulates a reconnect storm: all clients of a region lose their connection at once, and 30 s later API Gateway accepts 500 per
 * second again, its quota. Prints how many attempts the clients make and when all are back, for the shipped client and the
 * defaults of other clients.
 *
 *     npx tsx bench/storm.ts
 */
import { NEW_CONNECTIONS_PER_SECOND } from '../protocol/limits.ts';
import { beckon, OTHER_CLIENTS, type ReconnectingClient } from './storm/clients.ts';
import { STORM_HEADER, stormRow } from './storm/table.ts';

function printTable(clients: number, rows: readonly ReconnectingClient[]): void {
  const limitSeconds = clients / NEW_CONNECTIONS_PER_SECOND;
  process.stdout.write(`
${clients.toLocaleString('en')} clients (at best, all are back after ${limitSeconds} s)

${STORM_HEADER}
${rows.map((client) => stormRow(client, clients)).join('\n')}
`);
}

printTable(10_000, [beckon(), ...OTHER_CLIENTS]);
printTable(100_000, [beckon(100_000), beckon(), ...OTHER_CLIENTS]);
