import { parseArgs } from 'node:util';

/** The settings of one run, or of many. */
export interface Arguments {
  /** One seed for each run. */
  readonly seeds: readonly number[];
  readonly clients: number;
  /** The duration of each run. */
  readonly durationMs: number;
  readonly timeScale: number;
  /** How many runs go on at once. */
  readonly parallel: number;
  /** The folder of the synthesized app. */
  readonly app?: string;
  /** The file of the record. */
  readonly record?: string;
}

/** Wrong arguments. The message names the mistake. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run chaos -- --seed N | --seeds A..B
  --clients N      devices (default 20; at least 3)
  --minutes N      the time with traffic and faults (default 2), or
  --seconds N
  --time-scale N   run the clocks of the cloud and the clients N times as fast (default 2)
  --app DIR        the folder of a synthesized app (default: synthesize it)
  --record FILE    the file for the record of the run (default: a temporary file, kept if the run fails)
  --parallel N     with --seeds: the number of runs at once (default 1)
`;

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string' },
  clients: { type: 'string', default: '20' },
  minutes: { type: 'string' },
  seconds: { type: 'string' },
  'time-scale': { type: 'string', default: '2' },
  app: { type: 'string' },
  record: { type: 'string' },
  parallel: { type: 'string', default: '1' },
} as const;

const DEFAULT_MINUTES = 2;
/** Two devices that talk, and one that starts last. */
const MIN_CLIENTS = 3;

/** Reads the command line. @throws UsageError that names the unknown or wrong argument */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parse(args);
  if (values.seeds !== undefined && values.record !== undefined) throw new UsageError('--record needs a single --seed');
  return {
    seeds: readSeeds(values.seed, values.seeds),
    clients: number('clients', values.clients, { least: MIN_CLIENTS, whole: true }),
    durationMs: readDuration(values.minutes, values.seconds),
    timeScale: number('time-scale', values['time-scale']),
    parallel: number('parallel', values.parallel, { least: 1, whole: true }),
    ...(values.app !== undefined && { app: values.app }),
    ...(values.record !== undefined && { record: values.record }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS });
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
  }
}

function readSeeds(seed: string | undefined, seeds: string | undefined): readonly number[] {
  if ((seed === undefined) === (seeds === undefined)) throw new UsageError('give either --seed N or --seeds A..B');
  if (seed !== undefined) return [number('seed', seed, { least: 0, whole: true })];
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(seeds ?? '') ?? [];
  if (first === undefined || Number(last) < Number(first)) {
    throw new UsageError(`--seeds takes the first and the last seed, such as 1..100, got "${seeds}"`);
  }
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
}

function readDuration(minutes: string | undefined, seconds: string | undefined): number {
  if (minutes !== undefined && seconds !== undefined) throw new UsageError('give either --minutes or --seconds');
  if (seconds !== undefined) return number('seconds', seconds) * 1000;
  return (minutes === undefined ? DEFAULT_MINUTES : number('minutes', minutes)) * 60_000;
}

function number(name: string, text: string, { least = 0, whole = false } = {}): number {
  const value = Number(text);
  const isGood =
    text.trim() !== '' && Number.isFinite(value) && value >= least && (whole ? Number.isSafeInteger(value) : value > 0);
  if (isGood) return value;
  const expected = whole ? `a whole number, at least ${least}` : 'a number above 0';
  throw new UsageError(`--${name} takes ${expected}, got "${text}"`);
}
