import type { PresenceReply } from '../../protocol/index.ts';
import { type Address, conversationOf, presenceAddress } from '../address.ts';
import type { Now } from '../clock.ts';
import type { Directory } from '../connections/directory.ts';
import { ALL_CONNECTION_IDS, MAX_DIRECT_CONNECTIONS } from '../sending/fan-out.ts';
import type { Posting } from '../sending/posting.ts';
import type { PresenceTask, SweepTask, Tasks } from '../tasks.ts';
import { isPresent, type Occupant, occupancy } from './occupancy.ts';
import { ABSENCE_SECONDS, type PresenceState, type PresenceStates } from './presence-state.ts';
import { createPresenceSweeps } from './presence-sweep.ts';

/**
 * The shortest time between two sweeps of an address, in seconds: the connections of a large room expire one by one.
 */
const MIN_SWEEP_SECONDS = 2 * ABSENCE_SECONDS;

/** How often others may change the state during one check. After that, the task fails and runs again later. */
const MAX_LOOKS = 10;

export interface PresenceDependencies {
  readonly directory: Directory;
  readonly presenceStates: PresenceStates;
  readonly posting: Posting;
  readonly tasks: Tasks;
  readonly now: Now;
}

/** Tells watchers who comes and goes. Every check may run twice, late, and in any order. */
export interface PresenceChecks {
  /**
   * Checks whether a user is at an address, and tells the watchers if that is new.
   * @param isRetry Whether the check ran before: it may have changed the state then, and told nobody
   */
  check(task: PresenceTask, isRetry: boolean): Promise<void>;

  /** Checks every user who counts as present at a watched address but is absent, and queues the next sweep. */
  sweep(task: SweepTask): Promise<void>;
}

export function createPresenceChecks(dependencies: PresenceDependencies): PresenceChecks {
  const { directory, presenceStates, posting, tasks, now } = dependencies;
  const sweeps = createPresenceSweeps(dependencies);

  /** Makes the presence state true. @returns the state, and whether it has changed */
  async function settle({ address, userId }: PresenceTask) {
    let announced = await presenceStates.read(address, userId);
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const online = await isPresent(directory, address, userId);
      if (online === (announced?.online ?? false)) return { announced, isNews: looks > 0 };
      const next = { userId, online, sinceMs: Math.max(now(), (announced?.sinceMs ?? 0) + 1) };
      const isAnnounced = await presenceStates.announce(address, next, announced);
      // Then it looks again: a user who came before this write saw the old state, and has queued no check.
      announced = isAnnounced ? next : await presenceStates.read(address, userId);
    }
    throw new Error('Presence changes faster than it can be announced');
  }

  /** Runs after the state has changed: a watcher that the directory does not show yet reads the new state. */
  async function tell(address: Address, announced: PresenceState): Promise<void> {
    const topic = presenceAddress(address);
    const limit = MAX_DIRECT_CONNECTIONS + 1;
    const frame = toFrame(address, announced);
    const watchers = await directory.find(topic, { consistent: true, limit });
    if (watchers.length < limit) await posting.announce(watchers, frame);
    else await tasks.add([{ kind: 'announce', topic, frame, range: ALL_CONNECTION_IDS }]);
    if (watchers.length > 0 && announced.online) await sweeps.start([address]);
  }

  return {
    async check(task, isRetry) {
      const { announced, isNews } = await settle(task);
      if (announced && (isNews || isRetry)) await tell(task.address, announced);
    },

    async sweep(task) {
      if (!(await sweeps.take(task))) return;
      const { address } = task;
      // After the sweep is taken on: a watcher or user who comes later and is not found here finds no sweep due, and
      // starts one.
      const topic = presenceAddress(address);
      const [watchers, announced] = await Promise.all([
        directory.find(topic, { consistent: true, limit: 1 }),
        presenceStates.online(address),
      ]);
      if (watchers.length === 0 || announced.length === 0) return;
      const present = await occupancy(directory, address);
      const absent = announced.filter(({ userId }) => !present.has(userId));
      // Not now: they may have lost their connection a moment ago.
      const check = { kind: 'presence', address, delaySeconds: ABSENCE_SECONDS } as const;
      await tasks.add(absent.map(({ userId }) => ({ ...check, userId })));
      const soonest = now() + MIN_SWEEP_SECONDS * 1000;
      const next = absent.length > 0 ? soonest : Math.max(soonest, earliestEnd(present));
      await sweeps.next(address, next);
    },
  };
}

/** When the first of the present users would be absent without another frame, epoch milliseconds. */
function earliestEnd(present: ReadonlyMap<string, Occupant>): number {
  return (Math.min(...[...present.values()].map(({ until }) => until)) + 1) * 1000;
}

/** What watchers are pushed. */
function toFrame(address: Address, announced: PresenceState): PresenceReply {
  const { userId: user, online, sinceMs } = announced;
  return { type: 'presence', ...roomOf(address), users: [{ user, online, sinceMs }] };
}

/** The room of an address, in the form of frames; nothing for a user's address. */
function roomOf(address: Address): Pick<PresenceReply, 'room'> {
  const conversation = conversationOf(address);
  return 'room' in conversation ? conversation : {};
}

/**
 * Queues a check when a user comes to an address, unless the user counts as present already: usually they are there on
 * another device, or were a moment ago. Call it after the directory shows them.
 */
export type Arrive = (address: Address, userId: string) => Promise<void>;

export function createArrive({ presenceStates, tasks }: { presenceStates: PresenceStates; tasks: Tasks }): Arrive {
  return async (address, userId) => {
    const announced = await presenceStates.read(address, userId);
    if (!announced?.online) await tasks.add([{ kind: 'presence', address, userId }]);
  };
}
