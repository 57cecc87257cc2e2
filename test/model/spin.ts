import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The models in docs/model: the delivery of a message, and the end of a connection. */
export type Model = 'delivery' | 'ending';

const fileOf = (model: Model) => fileURLToPath(new URL(`../../docs/model/${model}.pml`, import.meta.url));

/** Memory for one check, MiB. The largest variant of the suite needs less than half of it. */
const MEMORY_MIB = 2048;

/** The most actions on one path. The longest paths of the suite are below 200. */
const DEPTH = 100_000;

/** 2^24 slots of the hash table: about as many as the largest variant has states. */
const HASH_BITS = 24;

/** Rules and bounds that replace the model's defaults: see docs/model/rules.pml. */
export type Flags = Readonly<Record<string, number>>;

/**
 * `lost`: no device handed over an acknowledged message. `twice`: a device handed over a message twice. `left`: a post found a
 * dead connection, and left one of its mappings.
 */
export type Outcome = 'holds' | 'lost' | 'twice' | 'left';

export interface Checked {
  readonly outcome: Outcome;
  readonly states: number;
  /** The actions of the counterexample, one per line; empty if the promise holds. */
  readonly story: string;
}

/** Lists the required Debian packages that are missing: `spin`, `gcc`. */
export async function missingPackages(): Promise<string[]> {
  const tools = { spin: '-V', gcc: '--version' };
  const found = await Promise.all(Object.entries(tools).map(([tool, flag]) => runs(tool, flag)));
  return Object.keys(tools).filter((_, index) => !found[index]);
}

/**
 * Explores every behaviour of the model within the bounds.
 * @param isLong Whether the exploration is long, as where the promise holds. Where it breaks, the explorer stops at the first
 *   counterexample, and optimized compilation would take longer than the run.
 * @throws Error if spin, gcc or the explorer fails, or if the exploration is incomplete
 */
export async function check(
  flags: Flags,
  { isLong, model = 'delivery' }: { readonly isLong: boolean; readonly model?: Model },
): Promise<Checked> {
  const folder = await mkdtemp(join(tmpdir(), 'beckon-model-'));
  const defines = Object.entries(flags).map(([name, value]) => `-D${name}=${value}`);
  try {
    await run('spin', ['-a', ...defines, fileOf(model)], { cwd: folder });
    await compile(folder, isLong ? '-O1' : '-O0');
    const explorer = ['-n', `-m${DEPTH}`, `-w${HASH_BITS}`];
    const { stdout } = await run(join(folder, 'pan'), explorer, { cwd: folder });
    const outcome = outcomeOf(stdout);
    return { outcome, states: statesOf(stdout), story: outcome === 'holds' ? '' : await story(folder, defines, model) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** NOREDUCE: Spin's partial order reduction gains nothing, because all actions change global state. */
function compile(folder: string, optimization: string): Promise<unknown> {
  const options = [optimization, '-w', '-DSAFETY', '-DNOREDUCE', `-DMEMLIM=${MEMORY_MIB}`];
  return run('gcc', [...options, '-o', 'pan', 'pan.c'], { cwd: folder });
}

function outcomeOf(report: string): Outcome {
  const violation = /^pan:1: (.*)$/m.exec(report)?.[1];
  if (violation === undefined) {
    if (/errors: 0$/m.test(report) && !/max search depth|reached -DMEMLIM/.test(report)) return 'holds';
  } else if (/^assertion violated (?:0 |\(handed\|\|)/.test(violation)) return 'lost';
  else if (/^assertion violated .*mapped/.test(violation)) return 'left';
  else if (/^assertion violated .*handed/.test(violation)) return 'twice';
  throw new Error(`the model checker neither proved nor refuted the promise:\n${report}`);
}

function statesOf(report: string): number {
  return Number(/(\S+) states, stored/.exec(report)?.[1]);
}

/** Lets spin replay the explorer's trail. The model prints the actions. */
async function story(folder: string, defines: readonly string[], model: Model): Promise<string> {
  const trail = join(folder, `${model}.pml.trail`);
  const { stdout } = await run('spin', ['-t', '-T', '-k', trail, ...defines, fileOf(model)], { cwd: folder });
  return stdout
    .split('\n')
    .filter((line) => /^(t=|LOST| {6}\S)/.test(line))
    .join('\n');
}

async function runs(tool: string, flag: string): Promise<boolean> {
  try {
    await run(tool, [flag]);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
