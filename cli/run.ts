import { readFileSync } from 'node:fs';
import type { LocalCloud, LocalCloudOptions } from '../local/index.ts';
import { readPairs } from './arguments.ts';
import { type LocalCloudModule, loadLocalCloud } from './local-cloud.ts';
import { readTrust } from './read-trust.ts';
import { UsageError } from './usage.ts';

/** The options that `start` and `local` share. */
export const CLOUD_OPTIONS = {
  port: 'value',
  'allow-host': 'values',
  data: 'value',
  memory: 'flag',
  app: 'value',
  parameter: 'values',
  faults: 'value',
  'time-scale': 'value',
  'cpu-share': 'flag',
  quota: 'values',
  dynamodb: 'value',
  partial: 'flag',
  endpoint: 'values',
} as const;

type Name<Kind> = { [Each in keyof Options]: Options[Each] extends Kind ? Each : never }[keyof Options];
type Options = typeof CLOUD_OPTIONS;

const DEFAULT_DATA_DIRECTORY = '.beckon';

/** Reads the local cloud's options from the command line, except the app and its parameters. */
export function cloudOptions(given: {
  value(name: Name<'value'>): string | undefined;
  values(name: Name<'values'>): readonly string[];
  flag(name: Name<'flag'>): boolean;
}): Omit<LocalCloudOptions, 'app' | 'parameters'> {
  if (given.flag('memory') && given.value('data') !== undefined) throw new UsageError('give either --memory or --data');
  const port = number('port', given.value('port'));
  const timeScale = number('time-scale', given.value('time-scale'));
  const dynamodbEndpoint = given.value('dynamodb');
  const faultsFile = given.value('faults');
  return {
    ...(port === undefined ? {} : { port }),
    ...(timeScale === undefined ? {} : { timeScale }),
    allowedHosts: given.values('allow-host'),
    readTrust,
    partial: given.flag('partial'),
    cpuShare: given.flag('cpu-share'),
    quotas: readQuotas(given.values('quota')),
    endpoints: readEndpoints(given.values('endpoint')),
    ...(given.flag('memory') ? {} : { dataDirectory: given.value('data') ?? DEFAULT_DATA_DIRECTORY }),
    ...(dynamodbEndpoint === undefined ? {} : { dynamodbEndpoint }),
    ...(faultsFile === undefined ? {} : { faults: readPlan(faultsFile) }),
    log({ level, source, message }) {
      if (level !== 'debug' && !ACCESS_LOG.test(source)) say(`${source}: ${withoutMetrics(message)}`);
    },
  };
}

/** A stage's access log repeats its functions' lines, so the terminal omits it. `/_local/log` has every line in full. */
const ACCESS_LOG = /^access /;

/** Removes the description of CloudWatch's embedded metrics and the fields that are 0 from a line. */
function withoutMetrics(message: string): string {
  if (!message.includes('"_aws":')) return message;
  try {
    const { _aws, ...line } = JSON.parse(message);
    return JSON.stringify(line, (_, value) => (value === 0 ? undefined : value));
  } catch {
    return message;
  }
}

/** Prints a line for a human on standard error: standard output is for the `ready` line. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** How long closing may take. Then the process ends anyway. */
const CLOSE_DEADLINE_MS = 1800;

const PARENT_CHECK_INTERVAL_MS = 250;

/** The exit code that shells show for a process that Ctrl-C ends. */
const EXIT_CODE_INTERRUPTED = 130;

/**
 * Runs `start`, says that it runs, and keeps running until the process is told to end (Ctrl-C): then everything is closed,
 * and the exit code is 0. A second Ctrl-C does not wait.
 * @param describe What a person needs, a line each. Programs, which read standard output, get the `ready` line.
 */
export async function runUntilStopped(
  start: (localCloud: LocalCloudModule, stopping: AbortSignal) => Promise<LocalCloud>,
  describe: (cloud: LocalCloud) => readonly string[],
): Promise<void> {
  const localCloud = await loadLocalCloud();
  const stopping = new AbortController();
  const started = start(localCloud, stopping.signal);
  onStopSignal(async () => {
    stopping.abort();
    // The caller reports a failed start. An aborted start needs no report.
    const cloud = await started.catch(() => undefined);
    await cloud?.close();
  });
  try {
    const cloud = await started;
    for (const line of describe(cloud)) say(line);
    if (!process.stdout.isTTY) process.stdout.write(`ready ${JSON.stringify(cloud.ready)}\n`);
  } catch (error) {
    if (!stopping.signal.aborted) throw withRemedy(localCloud, error);
  }
}

/** Adds to a deployment error how to run the rest of the application. */
function withRemedy({ DeployError }: LocalCloudModule, error: unknown): unknown {
  if (!(error instanceof DeployError && error.canLeaveOut)) return error;
  const remedy = 'To leave out the unsupported resources and run the rest, add --partial';
  return new Error(`${error.message}\n${remedy}`, { cause: error });
}

function onStopSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const handle = () => {
    if (isStopping) process.exit(EXIT_CODE_INTERRUPTED);
    isStopping = true;
    say('stopping…');
    setTimeout(() => process.exit(0), CLOSE_DEADLINE_MS).unref();
    void stop().then(() => process.exit(0));
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  if (process.env['npm_lifecycle_event'] !== undefined) onOrphaned(handle);
}

/** npm passes a signal to the script's shell, and the shell does not pass it to this process. So watch for the parent's end. */
function onOrphaned(callback: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, PARENT_CHECK_INTERVAL_MS);
  timer.unref();
}

/** Reads `SERVICE=URL` arguments. Throws a {@link UsageError} that quotes one without a URL. */
function readEndpoints(pairs: readonly string[]): Record<string, string> {
  const endpoints = readPairs('endpoint', pairs);
  for (const [service, url] of Object.entries(endpoints)) {
    if (!URL.canParse(url)) throw new UsageError(`--endpoint takes SERVICE=URL, got "${service}=${url}"`);
  }
  return endpoints;
}

/** Reads `NAME=NUMBER` arguments. The local cloud checks the names. */
function readQuotas(pairs: readonly string[]): Record<string, number | undefined> {
  const quotas = Object.entries(readPairs('quota', pairs));
  return Object.fromEntries(quotas.map(([name, text]) => [name, number(`quota ${name}`, text)]));
}

function number(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new UsageError(`--${option} takes a number, got "${text}"`);
  return value;
}

function readPlan(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new UsageError(`--faults: cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
