import type { Environment } from './environment.ts';
import { createTimer } from './timer.ts';

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
  /** Something was sent: the next heartbeat is due `heartbeatMs` from now. */
  sent(): void;
  /** Anything came in, which is sign of life enough. */
  heard(): void;
  /** Asks for a sign of life, and calls back when there is one. */
  check(whenAlive?: () => void): void;
  stop(): void;
}

export function createLiveness(environment: Pick<Environment, 'setTimer'>, options: LivenessOptions): Liveness {
  const heartbeat = createTimer(environment);
  const deadline = createTimer(environment);
  let waiters: (() => void)[] = [];
  const check = (whenAlive?: () => void) => {
    if (whenAlive) waiters.push(whenAlive);
    if (deadline.running) return;
    deadline.start(options.timeoutMs, options.onDead);
    options.ping();
  };
  return {
    sent: () => heartbeat.start(options.heartbeatMs, check),
    heard: () => {
      deadline.stop();
      const alive = waiters;
      waiters = [];
      for (const whenAlive of alive) whenAlive();
    },
    check,
    stop: () => {
      heartbeat.stop();
      deadline.stop();
      waiters = [];
    },
  };
}
