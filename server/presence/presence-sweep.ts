import type { Address } from '../address.ts';
import type { Now } from '../clock.ts';
import { MAX_DELAY_SECONDS, type SweepTask, type Tasks } from '../tasks.ts';
import type { PresenceStates } from './presence-state.ts';

/**
 * Sees to it that addresses are looked at again and again: while one is watched and somebody is announced there, a recheck
 * of it is to come. Each that is done says when the next one is due, and one that finds another said to come ends.
 */
export interface PresenceSweeps {
  /** Has addresses looked at now of which no recheck is to come. */
  start(addresses: readonly Address[]): Promise<void>;
  /** @returns whether the task is to be done. After that none is said to come */
  take(task: SweepTask): Promise<boolean>;
  /** Has an address looked at again at `due` (epoch milliseconds), or as late as the queue can, unless another is to come. */
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
      // The task first: if this handler dies in between, it comes all the same. One too many finds another's due, and ends.
      await tasks.add([{ kind: 'sweep', address, due, delaySeconds }]);
      await presenceStates.setSweep(address, due, nowMs);
    },
  };
}
