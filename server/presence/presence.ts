import type { PresenceReply } from '../../protocol/index.ts';
import { type Address, conversationOf, presenceAddress } from '../address.ts';
import type { Now } from '../clock.ts';
import type { Directory } from '../connections/directory.ts';
import { connectionIdRanges, MAX_DIRECT_CONNECTIONS } from '../sending/fan-out.ts';
import type { Posting } from '../sending/posting.ts';
import type { PresenceTask, SweepTask, Tasks } from '../tasks.ts';
import { isPresent, type Occupant, occupancy } from './occupancy.ts';
import { ABSENCE_SECONDS, type PresenceState, type PresenceStates } from './presence-state.ts';
import { createPresenceSweeps } from './presence-sweep.ts';

/** The shortest time between two rechecks of an address, in seconds: connections of a large room expire one by one. */
const MIN_SWEEP_SECONDS = 2 * ABSENCE_SECONDS;

/** How often what is announced can be outrun by others in one check. More, and the task comes back later. */
const MAX_LOOKS = 10;

export interface PresenceDependencies {
  readonly directory: Directory;
  readonly presenceStates: PresenceStates;
  readonly posting: Posting;
  readonly tasks: Tasks;
  readonly now: Now;
}

/** Announces who comes and goes. Everything here may be done twice, late, and in any order. */
export interface PresenceChecks {
  /**
   * Announces whether a user is at an address, and tells those who watch it if that is new.
   * @param isRetry whether it has been begun before: perhaps it was announced then, and told to nobody
   */
  check(task: PresenceTask, isRetry: boolean): Promise<void>;

  /** Has everybody checked who is announced at a watched address and is not there, and looks again later. */
  sweep(task: SweepTask): Promise<void>;
}

export function createPresenceChecks(dependencies: PresenceDependencies): PresenceChecks {
  const { directory, presenceStates, posting, tasks, now } = dependencies;
  const sweeps = createPresenceSweeps(dependencies);

  /** Makes the announcement true. @returns it, and whether that took anything */
  async function settle({ address, userId }: PresenceTask) {
    let announced = await presenceStates.read(address, userId);
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const online = await isPresent(directory, address, userId);
      if (online === (announced?.online ?? false)) return { announced, isNews: looks > 0 };
      const next = { userId, online, since: Math.max(now(), (announced?.since ?? 0) + 1) };
      const isAnnounced = await presenceStates.announce(address, next, announced);
      // Then another look: whoever came before this was written saw the old announcement, and has asked nobody to check.
      announced = isAnnounced ? next : await presenceStates.read(address, userId);
    }
    throw new Error('Presence changes faster than it can be announced');
  }

  /** After it has been announced: a watcher who is not to be seen here reads it. */
  async function tell(address: Address, announced: PresenceState): Promise<void> {
    const topic = presenceAddress(address);
    const limit = MAX_DIRECT_CONNECTIONS + 1;
    const frame = toFrame(address, announced);
    const watchers = await directory.find(topic, { consistent: true, limit });
    if (watchers.length < limit) await posting.announce(watchers, frame);
    else await tasks.add(connectionIdRanges().map((range) => ({ kind: 'announce', topic, frame, range })));
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
      // Looked at after that: whoever begins to watch, or comes, and is not to be seen here, finds no recheck and asks for one.
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

/** When the first of those who are there would be gone without another sign of life, epoch milliseconds. */
function earliestEnd(present: ReadonlyMap<string, Occupant>): number {
  return (Math.min(...[...present.values()].map(({ until }) => until)) + 1) * 1000;
}

/** What watchers are pushed. */
function toFrame(address: Address, announced: PresenceState): PresenceReply {
  const { userId: user, online, since } = announced;
  return { type: 'presence', ...roomOf(address), users: [{ user, online, since }] };
}

/** The name of a room, as frames have it; of a user's address nothing. */
function roomOf(address: Address): Pick<PresenceReply, 'room'> {
  const conversation = conversationOf(address);
  return 'room' in conversation ? conversation : {};
}

/**
 * Has it announced that a user has come to an address, unless that is what is announced: mostly they have been there on
 * another device, or a moment ago. To be called after the directory shows them.
 */
export type Arrive = (address: Address, userId: string) => Promise<void>;

export function createArrive({ presenceStates, tasks }: { presenceStates: PresenceStates; tasks: Tasks }): Arrive {
  return async (address, userId) => {
    const announced = await presenceStates.read(address, userId);
    if (!announced?.online) await tasks.add([{ kind: 'presence', address, userId }]);
  };
}
