import * as v from 'valibot';
import { record } from './record.ts';

/**
 * The points of the local cloud at which a fault can strike, and the kinds of faults. `late`, `hang`, `slow`, `reorder` and
 * `stale` have a `delayMs` (cloud time).
 *
 * | point | kinds |
 * |---|---|
 * | `dynamodb` | `throttle`, `error` (500, nothing done), `lost` (done, but answered with a 500), `stale` (an eventually consistent read returns an older state) |
 * | `post` | `throttle` (429), `error` (500), `hang` (no answer), `ghost` (200, but nothing gets through any more, in either direction, until the connection ends), `false-gone` (410, but the connection stays open; also for `GET` and `DELETE`) |
 * | `lambda` | `crash-before` (the handler never runs), `crash-after` (the handler runs, and its result is lost), `slow` |
 * | `disconnect` | `drop` (no `$disconnect` event), `late` |
 * | `socket` | `cut` (the TCP connection breaks, without a close frame) |
 * | `dispatch` | `reorder` (a message reaches its Lambda after later ones) |
 * | `sqs` | `duplicate` (SQS delivers a message twice), `late` |
 */
export const FAULT_KINDS = {
  dynamodb: ['throttle', 'error', 'lost', 'stale'],
  post: ['throttle', 'error', 'hang', 'ghost', 'false-gone'],
  lambda: ['crash-before', 'crash-after', 'slow'],
  disconnect: ['drop', 'late'],
  socket: ['cut'],
  dispatch: ['reorder'],
  sqs: ['duplicate', 'late'],
} as const;

export type FaultPoint = keyof typeof FAULT_KINDS;

/** The delay of a rule that sets none. */
const DEFAULT_MAX_DELAY_MS = 1000;

const DELAYED_KINDS = ['late', 'hang', 'slow', 'reorder', 'stale'];

const milliseconds = v.pipe(v.number(), v.minValue(0));

const common = {
  probability: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 1),
  match: v.optional(record(v.string()), {}),
  limit: v.optional(v.pipe(v.number(), v.integer('an integer'), v.minValue(1))),
  minDelayMs: v.optional(milliseconds),
  maxDelayMs: v.optional(milliseconds),
  afterMs: v.optional(milliseconds, 0),
  untilMs: v.optional(milliseconds),
};

const ruleAt = <const TPoint extends FaultPoint>(point: TPoint) =>
  v.strictObject({ point: v.literal(point), kind: v.picklist(FAULT_KINDS[point]), ...common });

const rule = v.pipe(
  v.variant('point', [
    ruleAt('dynamodb'),
    ruleAt('post'),
    ruleAt('lambda'),
    ruleAt('disconnect'),
    ruleAt('socket'),
    ruleAt('dispatch'),
    ruleAt('sqs'),
  ]),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { kind, minDelayMs, maxDelayMs, ...rest } = dataset.value;
    const hasDelay = DELAYED_KINDS.includes(kind);
    if (!hasDelay && (minDelayMs !== undefined || maxDelayMs !== undefined)) {
      addIssue({ expected: `neither minDelayMs nor maxDelayMs for the kind ${kind}`, received: 'one' });
      return NEVER;
    }
    const min = minDelayMs ?? 0;
    const max = hasDelay ? (maxDelayMs ?? Math.max(min, DEFAULT_MAX_DELAY_MS)) : 0;
    if (max < min) {
      addIssue({ expected: `a maxDelayMs of at least minDelayMs, ${min}`, received: String(max) });
      return NEVER;
    }
    return { ...rest, kind, minDelayMs: min, maxDelayMs: max };
  }),
);

const plan = v.strictObject({ seed: v.pipe(v.number(), v.integer('an integer')), rules: v.array(rule) });

export type FaultPlan = v.InferOutput<typeof plan>;
export type FaultRule = v.InferOutput<typeof rule>;

/**
 * Checks a fault plan, and fills in the defaults. All times are cloud time.
 *
 * | field | what | default |
 * |---|---|---|
 * | `seed` | an integer; a different one makes different decisions | required |
 * | `rules[].point`, `rules[].kind` | the point and the kind: see {@link FAULT_KINDS} | required |
 * | `rules[].probability` | the probability of a fault, from 0 to 1 | 1 |
 * | `rules[].match` | the fields that the subject must have, e.g. `{ "operation": "PutItem", "table": "*Messages*" }`; `*` stands for any text | `{}`: any subject |
 * | `rules[].limit` | the largest number of faults | no limit |
 * | `rules[].minDelayMs`, `rules[].maxDelayMs` | the bounds of the delay, for the kinds that have one | 0 and 1000 |
 * | `rules[].afterMs`, `rules[].untilMs` | when the rule applies, since the start of the local cloud | 0, and no end |
 *
 * @throws Error naming the first wrong field, the expected value and the given one
 */
export function readFaultPlan(value: unknown): FaultPlan {
  const result = v.safeParse(plan, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'its root';
  const isUnknownField = issue.type === 'strict_object' && issue.expected === 'never';
  const known = Object.keys(issue.path?.length === 1 ? plan.entries : { point: 0, kind: 0, ...common });
  const expected = isUnknownField ? `one of the fields ${known.join(', ')}` : (issue.expected ?? issue.message);
  throw new Error(`The fault plan is wrong at ${where}: expected ${expected}, got ${issue.received}.`);
}
