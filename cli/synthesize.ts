import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface SynthesizeOptions {
  /** The folder with `cdk.json`. */
  readonly directory: string;
  /** The account and region of the stacks. */
  readonly account: string;
  readonly region: string;
  /** Context values besides the project's own, as `-c NAME=VALUE` adds them. Default: none. */
  readonly context?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Runs the app of a CDK project as the CDK CLI does, without the CLI's start time. Prints the app's output to standard
 * error. Returns the folder that the app wrote.
 * @throws Error when the app fails, or `cdk.json` names no app
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
    // Validation takes longer than the rest. `cdk synth` validates, and the local cloud refuses unsupported resources by name.
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
  throw new Error(`${file} has no "app"; add the command that runs the CDK app`);
}

/** The context that the CLI passes to an app: its own settings, those of `cdk.json`, and cached look-ups. */
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

/** Removes `npx` from the command: it takes longer to find an installed program than the program takes to start. */
function withoutNpx(app: string, bin: string): string {
  const [, program] = /^npx\s+([\w-]+)(?=\s)/.exec(app) ?? [];
  return program !== undefined && existsSync(join(bin, program)) ? app.replace(/^npx\s+/, '') : app;
}

/** The CDK prints such a line for each function, even if it bundles nothing. */
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
      else reject(new Error(`cannot synthesize the app: "${command}" ended with ${killedBy ?? `exit code ${code}`}`));
    });
  });
}
