import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '../../local/random.ts';
import type { Device } from './device.ts';
import { pick, ROOMS } from './fleet.ts';

type Recipients = Parameters<Device['send']>[0];

/** An action of a user, or an event of the user's surroundings. */
type Act = (device: Device, users: readonly string[], random: Random, signal: AbortSignal) => Promise<void> | void;

/** The average pause between a device's actions, in machine milliseconds. */
const MEAN_PAUSE_MS = 450;
/** The average time without network. */
const MEAN_ABSENCE_MS = 800;
/** The most unacknowledged messages of a device that still sends. */
const MAX_PENDING = 12;
const MAX_BURST = 8;
const MAX_BYTES = 2_000;
const MAX_RECIPIENTS = 4;

const PLAIN = { ephemeral: false, echo: false };

/** The actions of devices, with their weights. */
const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [50, (device, users, random) => send(device, [pick(users, random)], random)],
  [10, burst],
  [8, (device, users, random) => send(device, several(users, random), random)],
  [8, (device, users, random) => send(device, [pick(users, random)], random, { ephemeral: true, echo: false })],
  [10, (device, users, random) => send(device, [pick(users, random)], random, { ephemeral: false, echo: true })],
  [3, (device, _, random) => send(device, [device.user], random)],
  [20, (device, _, random) => send(device, pickRoom(random), random)],
  [4, (device, _, random) => send(device, pickRoom(random), random, { ephemeral: true, echo: false })],
  [4, burstInRoom],
  [8, joinOrLeave],
  [4, (device) => device.cut()],
  [4, goAwayForAWhile],
];

/** Restarts the app without memory. */
const RESTART_PROBABILITY = 0.02;

export interface TrafficOptions {
  readonly seed: number;
  readonly users: readonly string[];
  /** Ends the traffic. */
  readonly signal: AbortSignal;
}

/** Performs actions of a device until the signal aborts. Each device has random numbers of its own. */
export async function makeTraffic(device: Device, { seed, users, signal }: TrafficOptions): Promise<void> {
  const random = createRandom(seed, `traffic of ${device.name}`);
  while (!signal.aborted) {
    await pause(MEAN_PAUSE_MS, random, signal);
    if (signal.aborted) return;
    if (random() < RESTART_PROBABILITY) device.start(random() < 0.5 ? 'closed' : 'gone');
    await chooseAct(random)(device, users, random, signal);
  }
}

function chooseAct(random: Random): Act {
  const total = ACTS.reduce((sum, [weight]) => sum + weight, 0);
  let left = random() * total;
  const chosen = ACTS.find(([weight]) => {
    left -= weight;
    return left < 0;
  });
  return (chosen ?? pick(ACTS, random))[1];
}

function send(device: Device, to: Recipients, random: Random, how = PLAIN): void {
  const bytes = Math.floor(random() ** 4 * MAX_BYTES);
  if (device.pending() < MAX_PENDING) device.send(to, { ...how, bytes });
}

function burst(device: Device, users: readonly string[], random: Random): void {
  sendSeveral(device, [pick(users, random)], random);
}

function burstInRoom(device: Device, _: readonly string[], random: Random): void {
  sendSeveral(device, pickRoom(random), random);
}

function sendSeveral(device: Device, to: Recipients, random: Random): void {
  const messages = 2 + Math.floor(random() * (MAX_BURST - 1));
  for (let message = 0; message < messages; message += 1) send(device, to, random);
}

function pickRoom(random: Random): { readonly room: string } {
  return { room: pick(ROOMS, random) };
}

/** Half of the returning devices resume from their last message. */
function joinOrLeave(device: Device, _: readonly string[], random: Random): void {
  const room = pick(
    ROOMS.filter((name) => name !== device.home),
    random,
  );
  if (device.rooms().includes(room)) device.leave(room);
  else device.join(room, { resumes: random() < 0.5 });
}

function several(users: readonly string[], random: Random): readonly string[] {
  const recipients = 2 + Math.floor(random() * (MAX_RECIPIENTS - 1));
  return [...new Set(Array.from({ length: recipients }, () => pick(users, random)))];
}

async function goAwayForAWhile(device: Device, _: readonly string[], random: Random, signal: AbortSignal) {
  device.goAway();
  await pause(MEAN_ABSENCE_MS, random, signal);
  device.comeBack();
}

async function pause(meanMs: number, random: Random, signal: AbortSignal): Promise<void> {
  try {
    await sleep(2 * meanMs * random(), undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
