import type { Random } from '../../local/random.ts';
import type { DeviceOptions } from './device.ts';

/** A device, and when it is there. */
export interface Member extends DeviceOptions {
  /** Comes when all is over, and finds what waits for it. */
  readonly comesLast: boolean;
}

export const ROOMS = ['lobby', 'attic', 'cellar'];

const MAX_DEVICES_PER_USER = 3;
const TOKEN_LIFETIMES_SECONDS = [3600, 3600, 300];
const CONNECTION_AGES_MS = [6_600_000, 6_600_000, 120_000];

/** Devices of users with one to three of them; the last one comes last. */
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

/** @throws Error when there is nothing to choose from */
export function pick<T>(from: readonly T[], random: Random): T {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new Error('there is nothing to choose from');
  return chosen;
}
