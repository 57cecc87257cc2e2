import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClock } from '../../local/clock.ts';
import type { LocalCloudOptions } from '../../local/index.ts';
import { createRandom, type Random } from '../../local/random.ts';
import { check, type Findings } from './check.ts';
import { type CloudProcess, createCloudProcess } from './cloud-process.ts';
import { createDevice, type Device } from './device.ts';
import { type FaultPlan, faultPlanFor, NO_FAULT_PLAN } from './fault-plan.ts';
import { createFleet, type Member } from './fleet.ts';
import { untilQuiet, untilReady } from './quiet.ts';
import { type Entry, openRecord, type Record } from './record.ts';
import { makeTraffic } from './traffic.ts';

export interface RunOptions {
  readonly seed: number;
  /** The number of devices. */
  readonly clients: number;
  /** The time with traffic and faults, in machine milliseconds. */
  readonly durationMs: number;
  readonly timeScale: number;
  /** The folder of the synthesized app. */
  readonly app: string;
  /** The file of the record. It must not exist. */
  readonly recordFile: string;
}

export interface Outcome {
  readonly seed: number;
  readonly findings: Findings;
  readonly entries: readonly Entry[];
}

/** The cloud is killed once, and once more for each of these periods. */
const KILL_EVERY_MS = 60_000;
/** The longest outage, in machine milliseconds. */
const MAX_DOWN_MS = 500;
/**
 * The length of an outage by the cloud's own clock, in milliseconds: more than the overlap of a resume, so that no message arrives
 * by luck, and sometimes more than the lifetime of a registration.
 */
const OUTAGE_MS = { least: 3 * 60_000, most: 13 * 60_000 };

/**
 * Runs a fleet with traffic, faults and kills of the whole cloud. Then waits until the system is quiet, and checks the record.
 * @throws Error that lists the obstacles if the system does not become quiet, which is a failure too
 */
export async function runChaos(options: RunOptions): Promise<Outcome> {
  const { seed, clients, timeScale, app } = options;
  const record = openRecord(options.recordFile);
  const dataDirectory = mkdtempSync(join(tmpdir(), 'beckon-chaos-'));
  const clock = createClock(timeScale);
  record.add({ type: 'run', seed, clients, timeScale });
  const cloud = createCloudProcess({ app, dataDirectory, clock, record, quotas: quotasFor(seed) });
  const fleet = createFleet(clients, createRandom(seed, 'fleet'));
  const members = fleet.map((member) => ({ ...member, device: createDevice(member, { cloud, record, clock }) }));
  try {
    await cloud.start(faultPlanFor({ seed, timeScale }));
    await live(members, cloud, record, options);
    return { seed, findings: check(record.entries), entries: record.entries };
  } finally {
    await cloud.kill();
    await Promise.all(members.map(({ device }) => device.stop()));
    record.close();
    rmSync(dataDirectory, { recursive: true });
  }
}

/** A partition key's throughput on AWS. Every second seed runs in a new account, which has 10 concurrent executions. */
function quotasFor(seed: number): NonNullable<LocalCloudOptions['quotas']> {
  const partition = { partitionReadUnits: 3000, partitionWriteUnits: 1000 };
  return seed % 2 === 0 ? { ...partition, concurrentExecutions: 10 } : partition;
}

type Living = Member & { readonly device: Device };

async function live(members: readonly Living[], cloud: CloudProcess, record: Record, options: RunOptions) {
  const { seed } = options;
  const [early, late] = [members.filter(({ comesLast }) => !comesLast), members.filter(({ comesLast }) => comesLast)];
  for (const { device } of early) device.start();
  // Connect all devices first: a device whose first registration follows another device's acknowledgement may rightly miss messages.
  await untilReady(early.map(({ device }) => device));

  const users = [...new Set(members.map(({ user }) => user))];
  const stopping = new AbortController();
  const { signal } = stopping;
  const traffic = early.map(({ device }) => makeTraffic(device, { seed, users, signal }));
  const random = createRandom(seed, 'kills');
  await Promise.all([killNowAndThen(cloud, random, options).finally(() => stopping.abort()), ...traffic]);
  await restart(cloud, random, NO_FAULT_PLAN);
  record.add({ type: 'calm' });
  for (const { device } of late) device.start();
  await untilQuiet(
    members.map(({ device }) => device),
    record,
  );
  record.add({ type: 'quiet' });
}

async function restart(cloud: CloudProcess, random: Random, plan: FaultPlan): Promise<void> {
  await cloud.kill();
  await sleep(MAX_DOWN_MS * random());
  await cloud.start(plan, OUTAGE_MS.least + random() * (OUTAGE_MS.most - OUTAGE_MS.least));
}

/** Kills the cloud at random times, and starts it again with other faults. */
async function killNowAndThen(cloud: CloudProcess, random: Random, { seed, durationMs, timeScale }: RunOptions) {
  const endsAt = Date.now() + durationMs;
  const kills = 1 + Math.floor(durationMs / KILL_EVERY_MS);
  for (let kill = 1; kill <= kills; kill += 1) {
    const stretchMs = (endsAt - Date.now()) / (kills - kill + 1);
    await sleep(stretchMs * (0.25 + 0.5 * random()));
    // The decisions must not repeat.
    await restart(cloud, random, faultPlanFor({ seed: seed + kill * 1_000_003, timeScale }));
  }
  await sleep(Math.max(endsAt - Date.now(), 0));
}
