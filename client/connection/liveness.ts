import { createTimer } from '../base/timer.ts';
import type { Environment } from '../environment.ts';

/** After so long a silence, milliseconds, a middlebox may have dropped the connection: middleboxes take minutes. */
const SILENCE_MS = 60_000;

/** How long the first frame after such a silence may wait for any answer, milliseconds. */
const DOUBT_MS = 3_000;

export interface LivenessOptions {
  /** When something last came in. */
  readonly heardAtMs: number;
  readonly heartbeatMs: number;
  readonly timeoutMs: number;
  /** Sends something that the server answers. */
  ping(): void;
  /** Nothing at all came in for `timeoutMs` after a ping. */
  onDead(): void;
}

/** Keeps a connection alive, and finds out when it is dead: a socket may not tell for minutes. */
export interface Liveness {
  /**
   * Something was sent: the next heartbeat is due `heartbeatMs` from now. After a minute of silence the frame shows
   * whether the connection is alive: if nothing answers it, the client asks for a sign of life.
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
  let heardAt = options.heardAtMs;
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
