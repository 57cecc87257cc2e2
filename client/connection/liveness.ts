import { createTimer } from '../base/timer.ts';
import type { Environment } from '../environment.ts';

/** After so long without anything a connection may have been forgotten on its way, milliseconds: middleboxes take minutes. */
const SILENCE_MS = 60_000;

/** How long a frame after such a silence may stay without any answer, milliseconds. */
const DOUBT_MS = 3_000;

export interface LivenessOptions {
  readonly heartbeatMs: number;
  readonly timeoutMs: number;
  /** Sends something that the server answers. */
  ping(): void;
  /** Nothing at all came in for `timeoutMs` after a ping. */
  onDead(): void;
}

/** Keeps a connection in use, and finds out whether it still is one: a socket can be dead for minutes without saying so. */
export interface Liveness {
  /**
   * Something was sent: the next heartbeat is due `heartbeatMs` from now. After a minute of silence the frame itself shows
   * whether there still is a connection: when nothing answers it, a sign of life is asked for.
   */
  sent(): void;
  /** Anything came in, which is sign of life enough. */
  heard(): void;
  /** Asks for a sign of life, and calls back when there is one. */
  check(whenAlive?: () => void): void;
  stop(): void;
}

export function createLiveness(environment: Pick<Environment, 'now' | 'setTimer'>, options: LivenessOptions): Liveness {
  const heartbeat = createTimer(environment);
  const deadline = createTimer(environment);
  const doubt = createTimer(environment);
  let heardAt = environment.now();
  let waiters: (() => void)[] = [];
  const check = (whenAlive?: () => void) => {
    if (whenAlive) waiters.push(whenAlive);
    if (deadline.running) return;
    deadline.start(options.timeoutMs, options.onDead);
    options.ping();
  };
  return {
    sent: () => {
      heartbeat.start(options.heartbeatMs, check);
      const isSilent = environment.now() - heardAt >= SILENCE_MS;
      if (isSilent && !doubt.running && !deadline.running) doubt.start(DOUBT_MS, check);
    },
    heard: () => {
      heardAt = environment.now();
      doubt.stop();
      deadline.stop();
      const alive = waiters;
      waiters = [];
      for (const whenAlive of alive) whenAlive();
    },
    check,
    stop: () => {
      heartbeat.stop();
      doubt.stop();
      deadline.stop();
      waiters = [];
    },
  };
}
