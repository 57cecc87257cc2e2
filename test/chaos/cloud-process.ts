import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../../local/clock.ts';
import type { LocalCloudOptions } from '../../local/index.ts';
import type { CloudLine } from './cloud.ts';
import type { FaultPlan } from './fault-plan.ts';
import type { Record } from './record.ts';

/** A local cloud that the run can kill and restart. */
export interface CloudProcess {
  /** The URL, which stays the same. @throws Error before the first start */
  readonly websocketUrl: string;
  /** A token of the development issuer. Rejects while the cloud is down. */
  token(user: string, lifetimeSeconds: number, signal: AbortSignal): Promise<string>;
  /** Kills the process, as a power cut does. */
  kill(): Promise<void>;
  /** Starts the cloud, again on the same port and with the same data, after `outageMs` of its own clock. */
  start(faults: FaultPlan, outageMs?: number): Promise<void>;
}

export interface CloudSettings extends Pick<LocalCloudOptions, 'app' | 'dataDirectory' | 'quotas'> {
  /** The cloud's clock, not counting outages. */
  readonly clock: Clock;
  readonly record: Record;
}

/** Allows every user to send to every user and to use every room. */
const CAPABILITY = { 'user:*': ['send'], 'room:*': ['join', 'send'] };

/** Creates a local cloud without starting it. */
export function createCloudProcess({ record, clock, ...options }: CloudSettings): CloudProcess {
  let child: ChildProcess | undefined;
  let urls: Urls | undefined;
  let outagesMs = 0;
  const known = () => {
    if (urls) return urls;
    throw new Error('the local cloud is not started; call start() first');
  };
  return {
    get websocketUrl() {
      return known().websocketUrl;
    },
    async token(sub, expiresInSeconds, signal) {
      const body = JSON.stringify({ sub, expiresInSeconds });
      const response = await fetch(`${known().endpointUrl}/_local/token`, { method: 'POST', body, signal });
      const { token }: { token?: string } = JSON.parse(await response.text());
      if (token === undefined) throw new Error(`the issuer returned no token, but status ${response.status}`);
      return token;
    },
    async kill() {
      if (!child) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      child = undefined;
      await exited;
      record.add({ type: 'cloud', what: 'killed' });
    },
    async start(faults, outageMs = 0) {
      outagesMs += outageMs;
      const { timeScale } = clock;
      const startsAtMs = clock.now() + outagesMs;
      const parameters = { Issuer: '{endpointUrl}/_local', DefaultCapability: JSON.stringify(CAPABILITY) };
      const port = urls ? Number(new URL(urls.endpointUrl).port) : 0;
      child = spawnCloud({ ...options, timeScale, startsAtMs, port, parameters, faults });
      urls = await untilReady(child, record);
      record.add({ type: 'cloud', what: 'started' });
    },
  };
}

interface Urls {
  readonly websocketUrl: string;
  readonly endpointUrl: string;
}

function spawnCloud(options: LocalCloudOptions): ChildProcess {
  const args = ['--import', 'tsx', join(import.meta.dirname, 'cloud.ts'), JSON.stringify(options)];
  // The closed channel tells the cloud that this process has ended.
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
}

/** Records the injected faults. Rejects with the process's output if it ends before it is ready. */
function untilReady(child: ChildProcess, record: Record): Promise<Urls> {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('the process of the local cloud has no output pipes');
  let told = '';
  stderr.on('data', (data) => {
    told = `${told}${data}`.slice(-10_000);
  });
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the local cloud ended before it was ready:\n${told}`)));
    createInterface({ input: stdout }).on('line', (text) => {
      const line: CloudLine = JSON.parse(text);
      if (line.type === 'fault') record.add(line);
      else resolve(line);
    });
  });
}
