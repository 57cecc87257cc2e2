import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A process that runs what `npm start` runs. */
export interface BeckonProcess {
  readonly pageUrl: string;
  readonly port: number;
  /** Kills the process, as a power cut does. */
  kill(): Promise<void>;
}

/**
 * Starts the local cloud with the demo page, in memory, and waits until it is ready.
 * @param app The folder of the synthesized app.
 * @param port Default: any free one.
 */
export async function startBeckon(app: string, port = 0): Promise<BeckonProcess> {
  const args = ['start', '--memory', '--no-open', '--port', String(port), '--app', app];
  // A killed process cannot delete its own folder.
  const temporary = await mkdtemp(join(tmpdir(), 'beckon-browser-'));
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/beckon.ts', ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (data) => {
    told += data;
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = /^ready (?<json>.*)/.exec(line)?.groups?.['json'];
    if (ready === undefined) continue;
    const { pageUrl } = JSON.parse(ready) as { readonly pageUrl: string };
    const kill = async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(temporary, { recursive: true });
    };
    return { pageUrl, port: Number(new URL(pageUrl).port), kill };
  }
  throw new Error(`beckon start ended before it was ready:\n${told}`);
}
