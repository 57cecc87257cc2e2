import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export const ROOT = join(import.meta.dirname, '../..');

/** The packed packages, by name. */
export interface Tarballs {
  readonly beckon: string;
  readonly 'beckon-local': string;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Checks a condition. @throws Error with the message if it does not hold */
export function demand(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

/** Runs a command in a folder. Returns its output. @throws Error with the whole output if it fails */
export function run(cwd: string, command: string, ...args: string[]): string {
  const env = { ...process.env, CI: 'true', NEXT_TELEMETRY_DISABLED: '1' };
  try {
    return execFileSync(command, args, {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1e8,
    });
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`in ${cwd}: ${message}\n${stdout ?? ''}${stderr ?? ''}`);
  }
}

/** Creates a folder with these files, by path. */
export function write(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Installs packages from the registry, or from files. */
export function install(folder: string, ...packages: string[]): void {
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', ...packages);
}

/** Returns the README's first block of code in this language after a text. */
export function fromReadme(behind: string, language: string): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const from = readme.indexOf(behind);
  const [, code] = readme.slice(from).match(new RegExp(`\n\`\`\`${language}\n(.*?)\n\`\`\``, 's')) ?? [];
  if (from === -1 || code === undefined) throw new Error(`the README has no ${language} block after "${behind}"`);
  return code;
}

/** The `ready` line of a local cloud. */
export interface Ready {
  readonly websocketUrl: string;
  readonly endpointUrl: string;
  readonly pageUrl?: string;
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Runs a local cloud with a command line while `use` runs. */
export async function withLocalCloud(
  cwd: string,
  commandLine: string,
  use: (ready: Ready) => Promise<void>,
): Promise<void> {
  const [command = '', ...args] = commandLine.split(' ');
  // A process group of its own: npx does not pass signals on.
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  try {
    await use(await readyLine(child, () => stderr));
  } finally {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('close', resolve));
      process.kill(-Number(child.pid), 'SIGTERM');
      await ended;
    }
  }
}

function readyLine(child: ChildProcess, told: () => string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error('the process has no output pipe');
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) resolve(JSON.parse(line.slice('ready '.length)));
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`the local cloud ended with ${code}:\n${told()}`)));
  });
}
