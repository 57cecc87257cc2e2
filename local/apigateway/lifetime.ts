import type { Cancel, Clock } from '../clock.ts';
import { IDLE_TIMEOUT_MS, MAX_CONNECTION_DURATION_MS } from './limits.ts';

/**
 * Calls `expire` once, when a connection has been idle for 10 minutes or is 2 hours old, whichever comes first.
 * `lastActiveAtMs` tells when the last data message passed, in either direction.
 */
export function watchLifetime(
  clock: Clock,
  connectedAtMs: number,
  lastActiveAtMs: () => number,
  expire: () => void,
): Cancel {
  const leftMs = (): number =>
    Math.min(lastActiveAtMs() + IDLE_TIMEOUT_MS, connectedAtMs + MAX_CONNECTION_DURATION_MS) - clock.now();
  // Activity only postpones the end. So one timer that checks again is enough for any number of messages.
  const look = (): void => {
    if (leftMs() <= 0) expire();
    else cancel = clock.after(leftMs(), look);
  };
  let cancel = clock.after(leftMs(), look);
  return () => cancel();
}
