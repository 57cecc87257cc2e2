import { performance } from 'node:perf_hooks';

/** Holds back a thread that gets a part of a processor only. */
export interface CpuShare {
  /** Starts to count, for one invocation. */
  begin(): void;
  /** Waits for the rest of the time that the thread owes, and stops. */
  end(): void;
}

/** How often a handler waits while it runs, in milliseconds: the shorter, the more evenly it is slowed. */
const PAY_EVERY_MS = 5;

/**
 * Makes a handler with a share of 0.25 need four times its processor time. What it waits for (a network, a timer) takes as
 * long as before.
 * @param share from 0 to 1. With 1 it does nothing.
 */
export function createCpuShare(share: number): CpuShare {
  if (share >= 1) return { begin() {}, end() {} };
  const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let paidMs = 0;
  let ticking: NodeJS.Timeout | undefined;
  const pay = () => {
    const owedMs = (busyMs() - paidMs) * (1 / share - 1);
    if (owedMs > 0) Atomics.wait(never, 0, 0, owedMs);
    paidMs = busyMs();
  };
  return {
    begin() {
      paidMs = busyMs();
      ticking = setInterval(pay, PAY_EVERY_MS).unref();
    },
    end() {
      clearInterval(ticking);
      pay();
    },
  };
}

/**
 * The processor time of this thread. Before Node.js 23.9, which knows it, the time in which its event loop was busy: on a busy
 * machine that is more. A wait of {@link createCpuShare} is busy, too, but the next payment starts after it.
 */
function busyMs(): number {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { readonly user: number; readonly system: number } };
  if (threadCpuUsage === undefined) return performance.eventLoopUtilization().active;
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) / 1000;
}
