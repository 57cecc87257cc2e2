import type { Limits } from '../../protocol/index.ts';
import { createTimer } from '../base/timer.ts';
import type { Environment } from '../environment.ts';
import { MAX_TIMER_MS } from '../options.ts';

/**
 * The share of the server's rate that the client uses. The rest is for registrations and pings, which do not wait, and for
 * frames that arrive closer together than the client sent them.
 */
const SHARE = 0.9;

/**
 * The longest wait of a frame of many messages, when a smaller frame could go at once. Also how much of the rate a new connection begins
 * with: its user's budget may be used up, and refusals in a row end a connection.
 */
const START_MS = 1_000;

/** Keeps one connection within the rate that the server has told it, with the algorithm of the server's own limit (GCRA). */
export interface Pacer {
  /** How many units a frame may cost so that it waits for a second at most. Infinite where the server tells no rate. */
  readonly units: number;
  /** Whether frames have to wait. */
  readonly isBusy: boolean;
  /**
   * Resolves when a frame of so many units may be sent; in the order of the calls, so that a large one gets its turn, too.
   * @param signal Once it has aborted, the turn passes to the next one.
   */
  turn(units: number, signal?: AbortSignal): Promise<void>;
  /** A frame of so many units was answered: the server may have charged it as late as now. */
  settle(units: number): void;
  /** The server has refused a frame: all frames wait for so long, and begin with an empty budget then. */
  hold(delayMs: number): void;
  /** The connection is over: lets every waiting frame go. */
  stop(): void;
}

interface Waiting {
  readonly units: number;
  readonly signal: AbortSignal | undefined;
  go(): void;
}

/** @param connection A registered one. Where the server tells no rate, nothing is held back. */
export function createPacer(
  environment: Pick<Environment, 'now' | 'setTimer'>,
  connection: { readonly limits: Partial<Limits> | undefined },
): Pacer {
  const timer = createTimer(environment);
  const waiting: Waiting[] = [];
  const costMs = (units: number) => (units * 1_000) / ((connection.limits?.ratePerSecond || Infinity) * SHARE);
  const burstMs = () => costMs((connection.limits?.rateBurst ?? 0) * SHARE);
  /** How long the connection must be idle to have its whole budget again, as of `atMs`. */
  let owedMs = Math.max(burstMs() - START_MS, 0);
  let atMs = environment.now();
  const owed = () => {
    const nowMs = environment.now();
    // The clock may have been set back.
    owedMs = Math.max(owedMs - Math.max(nowMs - atMs, 0), 0);
    atMs = nowMs;
    return owedMs;
  };
  /** A frame that costs more than may go at once waits until nothing is owed. */
  const delayMs = (units: number) => owed() - Math.max(burstMs() - costMs(units), 0);
  const goOn = () => {
    for (let [first] = waiting; first; [first] = waiting) {
      if (!first.signal?.aborted) {
        const waitMs = delayMs(first.units);
        if (waitMs > 0) {
          timer.start(Math.min(Math.ceil(waitMs), MAX_TIMER_MS), goOn);
          return;
        }
        owedMs += costMs(first.units);
      }
      waiting.shift();
      first.go();
    }
  };
  return {
    get units() {
      return Math.max(burstMs() - owed(), START_MS) / costMs(1);
    },
    get isBusy() {
      return waiting.length > 0 || delayMs(1) > 0;
    },
    turn: (units, signal) =>
      new Promise((go) => {
        waiting.push({ units, signal, go });
        goOn();
      }),
    settle: (units) => {
      owedMs = Math.max(owed(), costMs(units));
    },
    hold: (heldMs) => {
      // From now on.
      owed();
      owedMs = heldMs + burstMs();
    },
    stop: () => {
      timer.stop();
      for (const { go } of waiting.splice(0)) go();
    },
  };
}
