import { setTimeout as sleep } from 'node:timers/promises';
import { check } from './check.ts';
import type { Device } from './device.ts';
import type { Record } from './record.ts';

/** How long anything may take, in milliseconds of the machine: more than any wait of a client. */
const LIMIT_MS = 90_000;
/** How long messages on their way may take before everybody resumes anyway. */
const ON_THE_WAY_MS = 3_000;
/** Nothing has happened for this long: nothing will. */
const REST_MS = 700;
const LOOK_EVERY_MS = 50;

/** Waits until every device is connected. @throws Error naming those that are not */
export async function untilReady(devices: readonly Device[]): Promise<void> {
  await until('everybody is connected', () => nameAll(devices, (device) => !device.isConnected()));
}

/**
 * Waits until everything sent has an outcome and has arrived; then lets every device resume once more, as it would
 * sooner or later, and waits until that has brought nothing any more.
 * @throws Error naming the devices that do not come to rest
 */
export async function untilQuiet(devices: readonly Device[], record: Record): Promise<void> {
  const atRest = () => nameAll(devices, (device) => !device.isConnected() || device.pending() > 0);
  await until('everything sent has an outcome', atRest);
  await until('everything has arrived', () => missing(record), ON_THE_WAY_MS).catch(() => undefined);
  for (const device of devices) device.cut();
  await until('everybody is connected again', atRest);
  await untilRest(record);
}

function missing(record: Record): readonly string[] {
  return check(record.entries).lost.map(({ device, id }) => `${id} on ${device}`);
}

async function untilRest(record: Record): Promise<void> {
  await until('nothing happens any more', () => {
    const restMs = Date.now() - (record.entries.at(-1)?.at ?? 0);
    return restMs >= REST_MS ? [] : [`it has been quiet for ${restMs} ms`];
  });
}

function nameAll(devices: readonly Device[], applies: (device: Device) => boolean): readonly string[] {
  return devices.filter(applies).map(({ name }) => name);
}

/** Waits until nothing stands in the way. */
async function until(what: string, obstacles: () => readonly string[], limitMs = LIMIT_MS): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (let left = obstacles(); left.length > 0; left = obstacles()) {
    if (Date.now() > deadline) throw new Error(`within ${limitMs} ms it was not so that ${what}: ${left.join(', ')}`);
    await sleep(LOOK_EVERY_MS);
  }
}
