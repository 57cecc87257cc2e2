/**
 * Where a fault can strike, and what it can be. `delayMs` (cloud time) belongs to `late`, `hang`, `slow` and `reorder`.
 *
 * | point | kinds |
 * |---|---|
 * | `dynamodb` | `throttle`, `error` (500, nothing done), `lost` (done, but answered with a 500), `stale` (an eventually consistent read returns an older state) |
 * | `post` | `throttle` (429), `error` (500), `hang` (no answer), `ghost` (200, but the client gets nothing) |
 * | `lambda` | `crash-before` (the handler never runs), `crash-after` (it ran, its result is lost), `slow` |
 * | `disconnect` | `drop` (no `$disconnect` event), `late` |
 * | `socket` | `cut` (the TCP connection breaks, without a close frame) |
 * | `dispatch` | `reorder` (a message is handed to its Lambda later than those behind it) |
 * | `sqs` | `duplicate` (a message is delivered twice), `late` |
 */
export type FaultPoint = 'dynamodb' | 'post' | 'lambda' | 'disconnect' | 'socket' | 'dispatch' | 'sqs';

export interface Fault {
  readonly kind: string;
  readonly delayMs: number;
}

/** Decides, from a seed, whether a fault strikes here. Every strike is logged. */
export interface Faults {
  /**
   * `subject` says what is being done (`{ operation: 'PutItem', table: '…' }`), for matching and for the log. `kinds`: what can
   * strike here, when that is not every kind of the point.
   */
  strike(point: FaultPoint, subject: Readonly<Record<string, string>>, kinds?: readonly string[]): Fault | undefined;
}

/** Nothing goes wrong. */
export const NO_FAULTS: Faults = { strike: () => undefined };
