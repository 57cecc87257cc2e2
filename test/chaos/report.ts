import { type Duplicate, type Findings, isClean, type Missing } from './check.ts';
import type { Overtaken } from './check-order.ts';
import type { Entry } from './record.ts';

/** The numbers of one run, or of several. */
export interface Totals {
  readonly messages: number;
  /** The messages to rooms among them. */
  readonly toRooms: number;
  /** The number of memberships. */
  readonly joins: number;
  readonly acknowledged: number;
  readonly rejected: number;
  readonly received: number;
  readonly reconnects: number;
  readonly kills: number;
  readonly gaps: number;
  /** Messages that a restarted app handed over again. */
  readonly again: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Messages that another user got. */
  readonly strays: number;
  /** The injected faults, by `point/kind`. */
  readonly faults: Readonly<Record<string, number>>;
}

export function summarize(entries: readonly Entry[], findings: Findings): Totals {
  const count = (matches: (entry: Entry) => boolean) => entries.filter(matches).length;
  const faults: Record<string, number> = {};
  for (const entry of entries) {
    if (entry.type !== 'fault') continue;
    const name = `${entry.point}/${entry.kind}`;
    faults[name] = (faults[name] ?? 0) + 1;
  }
  return {
    messages: count(({ type }) => type === 'sent'),
    toRooms: count((entry) => entry.type === 'sent' && entry.room !== undefined),
    joins: count(({ type }) => type === 'joined'),
    acknowledged: count(({ type }) => type === 'acked'),
    rejected: count(({ type }) => type === 'rejected'),
    received: count(({ type }) => type === 'received'),
    reconnects:
      count((entry) => entry.type === 'state' && entry.status === 'connected') -
      count(({ type }) => type === 'session'),
    kills: count((entry) => entry.type === 'cloud' && entry.what === 'killed'),
    gaps: findings.gaps,
    again: findings.again,
    lost: findings.lost.length + findings.announced.length,
    duplicated: findings.duplicated.length,
    reordered: findings.reordered.length,
    strays: findings.strays.length,
    faults,
  };
}

/** Adds up the numbers of several runs. */
export function addUp(all: readonly Totals[]): Totals {
  return all.reduce((sum, each) => ({ ...mapNumbers(sum, each), faults: mergeCounts(sum.faults, each.faults) }));
}

function mapNumbers(a: Totals, b: Totals): Totals {
  const sums = Object.entries(a).map(([name, value]) => {
    const other = b[name as keyof Totals];
    return [name, typeof value === 'number' && typeof other === 'number' ? value + other : value];
  });
  return Object.fromEntries(sums);
}

function mergeCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) {
  const merged: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) merged[name] = (merged[name] ?? 0) + count;
  return merged;
}

/** Describes one run to a human. */
export function describeRun(seed: number, totals: Totals, findings: Findings): string {
  const { faults, ...numbers } = totals;
  return [
    `seed ${seed}: ${isClean(findings) ? 'nothing lost, duplicated or reordered' : 'FAILED'}`,
    `injected: ${describeFaults(faults)}; killed ${numbers.kills} ×`,
    `seen: ${numbers.messages} messages, ${numbers.toRooms} of them to rooms, which were joined ${numbers.joins} ×; ` +
      `${numbers.acknowledged} acknowledged, ${numbers.rejected} rejected; ` +
      `${numbers.received} handed over, ${numbers.again} of them again after a start; ${numbers.reconnects} reconnects; ${numbers.gaps} gaps announced`,
    `lost ${numbers.lost}, duplicated ${numbers.duplicated}, reordered ${numbers.reordered}`,
    ...examples('lost', findings.lost.map(onDevice)),
    ...examples('lost, but announced', findings.announced.map(onDevice)),
    ...examples('handed to another user', findings.strays.map(onDevice)),
    ...examples('duplicated', findings.duplicated.map(inSession)),
    ...examples('reordered', findings.reordered.map(describeOvertaken)),
  ].join('\n');
}

const onDevice = ({ device, id }: Missing) => `${id} on ${device}`;
const inSession = ({ session, id, times }: Duplicate) => `${id} in ${session}, ${times} ×`;

function describeOvertaken({ session, id, by }: Overtaken): string {
  return `${id} in ${session}, after ${by.slice(0, 3).join(', ')}`;
}

export function describeFaults(faults: Readonly<Record<string, number>>): string {
  return Object.entries(faults)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

const MAX_EXAMPLES = 5;

function examples(what: string, all: readonly string[]): readonly string[] {
  return all.slice(0, MAX_EXAMPLES).map((example) => `  ${what}: ${example}`);
}

const COLUMNS = [
  'messages',
  'toRooms',
  'acknowledged',
  'received',
  'reconnects',
  'kills',
  'lost',
  'duplicated',
  'reordered',
  'gaps',
] as const;

/** The header of the table of runs. */
export const TABLE_HEAD = `| seed | faults | ${COLUMNS.join(' | ')} |\n|---:|${'---:|'.repeat(COLUMNS.length + 1)}`;

/** One row of the table of runs. */
export function tableRow(name: string, totals: Totals): string {
  const faults = Object.values(totals.faults).reduce((sum, count) => sum + count, 0);
  return `| ${name} | ${faults} | ${COLUMNS.map((column) => totals[column]).join(' | ')} |`;
}
