import type { Address } from '../address.ts';
import type { Now } from '../clock.ts';
import { MAX_DELAY_SECONDS, type SweepTask, type Tasks } from '../tasks.ts';
import type { PresenceStates } from './presence-state.ts';

/**
 * Keeps sweeps going: while an address is watched and somebody counts as present there, the next sweep is due. Each
 * sweep queues the next one. A sweep that finds another one due ends.
 */
export interface PresenceSweeps {
  /** Starts sweeps of addresses that have none under way. */
  start(addresses: readonly Address[]): Promise<void>;
  /** @returns whether this sweep runs. After that, none is due */
  take(task: SweepTask): Promise<boolean>;
  /**
   * Queues the next sweep of an address at `due` (epoch milliseconds), or as late as the queue can, unless another is
   * due.
   */
  next(address: Address, due: number): Promise<void>;
}

export function createPresenceSweeps(dependencies: {
  presenceStates: PresenceStates;
  tasks: Tasks;
  now: Now;
}): PresenceSweeps {
  const { presenceStates, tasks, now } = dependencies;
  return {
    async start(addresses) {
      const due = now();
      const known = await presenceStates.sweeps(addresses);
      const missing = addresses.filter((address) => (known.get(address) ?? 0) < due);
      await tasks.add(missing.map((address) => ({ kind: 'sweep', address, due })));
    },

    take: ({ address, due }) => presenceStates.takeSweep(address, due, now()),

    async next(address, due) {
      const nowMs = now();
      const delaySeconds = Math.min(MAX_DELAY_SECONDS, Math.ceil((due - nowMs) / 1000));
      // The task first: if this handler dies in between, the sweep runs all the same. A superfluous sweep finds another
      // one due, and ends.
      await tasks.add([{ kind: 'sweep', address, due, delaySeconds }]);
      await presenceStates.setSweep(address, due, nowMs);
    },
  };
}
