import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface SynthesizeOptions {
  /** The folder with `cdk.json`. */
  readonly directory: string;
  /** The account and region that the stacks are for. */
  readonly account: string;
  readonly region: string;
  /** What the app is told beside its own context, as `-c NAME=VALUE` does. Default: nothing. */
  readonly context?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Runs the app of a CDK project as the CDK CLI does, which takes longer to start than the app itself. What the app prints
 * goes to standard error. Returns the folder it wrote. Throws an Error when the app fails.
 */
export async function synthesize(options: SynthesizeOptions): Promise<string> {
  const { directory, account, region, context, signal } = options;
  const settings = readSettings(directory);
  const output = join(directory, settings.output ?? 'cdk.out');
  const bin = join(directory, 'node_modules/.bin');
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env['PATH']}`,
    CDK_OUTDIR: output,
    CDK_DEFAULT_ACCOUNT: account,
    CDK_DEFAULT_REGION: region,
    // Takes longer than all the rest. `cdk synth` validates, and the local cloud refuses by name what it cannot run.
    CDK_VALIDATION: 'false',
    CDK_CONTEXT_JSON: JSON.stringify({ ...contextOf(directory, settings), ...context }),
  };
  await run(withoutNpx(settings.app, bin), directory, env, signal);
  return output;
}

interface Settings {
  readonly app: string;
  readonly output?: string;
  readonly context?: object;
}

function readSettings(directory: string): Settings {
  const file = join(directory, 'cdk.json');
  const settings: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof settings === 'object' && settings !== null && 'app' in settings && typeof settings.app === 'string') {
    return settings as Settings;
  }
  throw new Error(`${file} does not say what the app is: it has no "app"`);
}

/** What the CLI tells an app: its own settings, those of `cdk.json`, and what was looked up before. */
function contextOf(directory: string, settings: Settings): object {
  const lookedUp = join(directory, 'cdk.context.json');
  return {
    'aws:cdk:enable-path-metadata': true,
    'aws:cdk:enable-asset-metadata': true,
    'aws:cdk:bundling-stacks': ['**'],
    ...settings.context,
    ...(existsSync(lookedUp) ? (JSON.parse(readFileSync(lookedUp, 'utf8')) as object) : {}),
  };
}

/** `npx` takes longer to find an installed program than the program takes to start. */
function withoutNpx(app: string, bin: string): string {
  const [, program] = /^npx\s+([\w-]+)(?=\s)/.exec(app) ?? [];
  return program !== undefined && existsSync(join(bin, program)) ? app.replace(/^npx\s+/, '') : app;
}

/** The CDK says so of each function, and means nothing by it. */
const NOISE = /^Bundling asset /;

function run(command: string, cwd: string, env: NodeJS.ProcessEnv, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      cwd,
      env,
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal && { signal }),
    });
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => NOISE.test(line) || process.stderr.write(`${line}\n`));
    }
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(`the app could not be synthesized: "${command}" ended with ${killedBy ?? `exit code ${code}`}`),
        );
    });
  });
}
