import type { FrameInTransit, Holds } from './holds.ts';
import type { Runtime, Timers } from './runtime.ts';

/** One direction of a connection. Frames arrive in their order, unless they are held. */
export interface Pipe {
  carry(frame: FrameInTransit, deliver: () => void): void;
}

export interface PipeOptions {
  readonly now: Runtime['now'];
  readonly setTimer: Timers['setTimer'];
  readonly holds: Holds;
  /** How long a frame takes, in milliseconds. Without latency, a frame takes no timer: promises alone. */
  readonly latencyMs: () => number;
}

export function createPipe({ now, setTimer, holds, latencyMs }: PipeOptions): Pipe {
  let last: Promise<unknown> = Promise.resolve();
  return {
    carry(frame, deliver) {
      const arrivesAtMs = now() + latencyMs();
      const wait = () => {
        const leftMs = arrivesAtMs - now();
        return leftMs > 0 ? new Promise<void>((resolve) => setTimer(leftMs, resolve)) : undefined;
      };
      last = last.then(wait).then(() => holds.pass(frame, deliver));
    },
  };
}
