import { setTimeout as sleep } from 'node:timers/promises';
import { check } from './check.ts';
import type { Device } from './device.ts';
import type { Record } from './record.ts';

/** The longest time for anything, in machine milliseconds: longer than any wait of a client. */
const LIMIT_MS = 90_000;
/** How long messages may be under way before every device resumes anyway. */
const ON_THE_WAY_MS = 3_000;
/** If nothing happens for this long, nothing will. */
const REST_MS = 700;
const LOOK_EVERY_MS = 50;

/** Waits until every device is connected. @throws Error that names the others */
export async function untilReady(devices: readonly Device[]): Promise<void> {
  await until('every device is connected', () => nameAll(devices, (device) => !device.isConnected()));
}

/**
 * Waits until every sent message has an outcome and has arrived. Then makes every device resume once more, as it would sooner
 * or later, and waits until no more messages arrive.
 * @throws Error that names the devices that stay busy
 */
export async function untilQuiet(devices: readonly Device[], record: Record): Promise<void> {
  const atRest = () => nameAll(devices, (device) => !device.isConnected() || device.pending() > 0);
  await until('every sent message has an outcome', atRest);
  await until('every message has arrived', () => missing(record), ON_THE_WAY_MS).catch(() => undefined);
  for (const device of devices) device.cut();
  await until('every device is connected again', atRest);
  await untilRest(record);
}

function missing(record: Record): readonly string[] {
  return check(record.entries).lost.map(({ device, id }) => `${id} on ${device}`);
}

async function untilRest(record: Record): Promise<void> {
  await until('no more events happen', () => {
    const restMs = Date.now() - (record.entries.at(-1)?.at ?? 0);
    return restMs >= REST_MS ? [] : [`it has been quiet for ${restMs} ms`];
  });
}

function nameAll(devices: readonly Device[], applies: (device: Device) => boolean): readonly string[] {
  return devices.filter(applies).map(({ name }) => name);
}

/** Waits until there are no obstacles. @throws Error that lists them at the timeout */
async function until(what: string, obstacles: () => readonly string[], limitMs = LIMIT_MS): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (let left = obstacles(); left.length > 0; left = obstacles()) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}: ${left.join(', ')}`);
    await sleep(LOOK_EVERY_MS);
  }
}
