import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { beckon, OTHER_CLIENTS, type ReconnectingClient } from '../../bench/storm/clients.ts';
import { type Aftermath, simulate } from '../../bench/storm/simulation.ts';
import { STORM_HEADER, stormRow } from '../../bench/storm/table.ts';
import { seededRandom } from '../support/client-world.ts';

// The budget of a reconnect storm (design, section 8): API Gateway is down for 30 s, then accepts 500 clients per second.

function storm(clients: number, client: ReconnectingClient, random: () => number): Aftermath {
  return simulate({ clients, outageMs: 30_000, acceptedPerSecond: 500, client, random });
}

describe.each([1, 2, 3])('a fleet that loses all connections at once reconnects (seed %i)', (seed) => {
  it('10,000 clients with the defaults: in 30 s, with at most 700 attempts per second', () => {
    const { peakPerSecond, back99Ms, gaveUp } = storm(10_000, beckon(), seededRandom(seed));
    expect(back99Ms).toBeLessThanOrEqual(30_000);
    expect(peakPerSecond).toBeLessThanOrEqual(700);
    expect(gaveUp).toBe(0);
  });

  it('100,000 clients that know their number from the server: in 1.5 times the minimum of the quota', () => {
    const { back99Ms, gaveUp } = storm(100_000, beckon(100_000), seededRandom(seed));
    expect(back99Ms).toBeLessThanOrEqual(1.5 * 200_000);
    expect(gaveUp).toBe(0);
  });
});

it('clients without jitter exceed the budget, so the test can fail', () => {
  const lockStep = { name: 'lock step', start: () => () => 10_000 };
  expect(storm(10_000, lockStep, seededRandom(1)).back99Ms).toBeGreaterThan(150_000);
});

it('docs/client.md has the output of the benchmark', () => {
  const document = readFileSync('docs/client.md', 'utf8');
  expect(document).toContain(STORM_HEADER);
  for (const client of [beckon(), ...OTHER_CLIENTS]) expect(document).toContain(`${stormRow(client, 10_000)}\n`);
  for (const client of [beckon(100_000), beckon()]) expect(document).toContain(`${stormRow(client, 100_000)}\n`);
});
