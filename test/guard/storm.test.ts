import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { beckon, OTHER_CLIENTS, type ReconnectingClient } from '../../bench/storm/clients.ts';
import { type Aftermath, simulate } from '../../bench/storm/simulation.ts';
import { createRandom } from '../../local/random.ts';
import { seededRandom } from '../support/client-world.ts';

// The budget of a reconnect storm (design, section 8): API Gateway is away for 30 s, then lets 500 clients in a second.

function storm(clients: number, { waits }: ReconnectingClient, random: () => number): Aftermath {
  return simulate({ clients, outageMs: 30_000, acceptedPerSecond: 500, waits, random });
}

describe.each([1, 2, 3])('a fleet that is cut off at once comes back (seed %i)', (seed) => {
  it('10,000 clients with the defaults: in 30 s, with at most 700 attempts a second', () => {
    const { peakPerSecond, back99Ms, gaveUp } = storm(10_000, beckon(), seededRandom(seed));
    expect(back99Ms).toBeLessThanOrEqual(30_000);
    expect(peakPerSecond).toBeLessThanOrEqual(700);
    expect(gaveUp).toBe(0);
  });

  it('100,000 clients with a cap to match: in 1.5 times what the quota takes', () => {
    const { back99Ms, gaveUp } = storm(100_000, beckon(200_000), seededRandom(seed));
    expect(back99Ms).toBeLessThanOrEqual(1.5 * 200_000);
    expect(gaveUp).toBe(0);
  });
});

it('clients without jitter do not, so the budget says something', () => {
  const lockStep = { name: 'lock step', waits: () => 10_000 };
  expect(storm(10_000, lockStep, seededRandom(1)).back99Ms).toBeGreaterThan(150_000);
});

it('docs/client.md has the table that the benchmark prints', () => {
  const document = readFileSync('docs/client.md', 'utf8');
  for (const client of [beckon(), ...OTHER_CLIENTS]) {
    const { peakPerSecond, back99Ms, gaveUp } = storm(10_000, client, createRandom(1, client.name));
    const back = back99Ms === undefined ? 'never' : `${(back99Ms / 1_000).toFixed(1)} s`;
    expect(document).toContain(`| ${client.name} | ${peakPerSecond} | ${back} | ${gaveUp} |\n`);
  }
});
