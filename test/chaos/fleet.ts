import type { Random } from '../../local/random.ts';
import type { DeviceOptions } from './device.ts';

/** A device, and when it starts. */
export interface Member extends DeviceOptions {
  /** Starts after the traffic, and gets the waiting messages. */
  readonly comesLast: boolean;
}

export const ROOMS = ['lobby', 'attic', 'cellar'];

const MAX_DEVICES_PER_USER = 3;
const TOKEN_LIFETIMES_SECONDS = [3600, 3600, 300];
const CONNECTION_AGES_MS = [6_600_000, 6_600_000, 120_000];

/** Creates users with one to three devices each. The last device starts last. */
export function createFleet(size: number, random: Random): readonly Member[] {
  const fleet: Member[] = [];
  while (fleet.length < size - 1) {
    const user = `u${fleet.length + 1}`;
    const devices = Math.min(1 + Math.floor(random() ** 2 * MAX_DEVICES_PER_USER), size - 1 - fleet.length);
    for (let device = 1; device <= devices; device += 1) {
      fleet.push({ ...createMember(user, device, random), comesLast: false });
    }
  }
  return [...fleet, { ...createMember(`u${size}`, 1, random), comesLast: true }];
}

function createMember(user: string, device: number, random: Random): DeviceOptions {
  return {
    user,
    name: `${user}.${device}`,
    home: pick(ROOMS, random),
    tokenLifetimeSeconds: pick(TOKEN_LIFETIMES_SECONDS, random),
    maxConnectionAgeMs: pick(CONNECTION_AGES_MS, random),
  };
}

/** Chooses an item. @throws Error if there is none */
export function pick<T>(from: readonly T[], random: Random): T {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new Error('cannot choose from an empty list');
  return chosen;
}
