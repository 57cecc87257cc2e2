import type { PresenceReply } from '../../protocol/index.ts';
import { type Address, conversationOf, presenceAddress } from '../address.ts';
import type { Now } from '../clock.ts';
import type { Directory } from '../connections/directory.ts';
import { ABSENCE_SECONDS } from '../connections/forget.ts';
import { MAX_DIRECT_CONNECTIONS } from '../sending/delivery.ts';
import { connectionIdRanges } from '../sending/fan-out.ts';
import type { Delivery } from '../sending/posting.ts';
import type { PresenceTask, RecheckTask, Tasks } from '../tasks.ts';
import { type Attendance, attendance, isPresent } from './occupancy.ts';
import type { Announcement, Announcements } from './presence-state.ts';
import { createRechecks } from './presence-sweep.ts';

/** The shortest time between two rechecks of an address, in seconds: connections of a large room expire one by one. */
const MIN_RECHECK_SECONDS = 2 * ABSENCE_SECONDS;

/** How often what is announced can be outrun by others in one check. More, and the task comes back later. */
const MAX_LOOKS = 10;

export interface PresenceDependencies {
  readonly directory: Directory;
  readonly announcements: Announcements;
  readonly delivery: Delivery;
  readonly tasks: Tasks;
  readonly now: Now;
}

/** Announces who comes and goes. Everything here may be done twice, late, and in any order. */
export interface Presence {
  /**
   * Announces whether a user is at an address, and tells those who watch it if that is new.
   * @param isRetry whether it has been begun before: perhaps it was announced then, and told to nobody
   */
  check(task: PresenceTask, isRetry: boolean): Promise<void>;

  /** Has everybody checked who is announced at a watched address and is not there, and looks again later. */
  recheck(task: RecheckTask): Promise<void>;
}

export function createPresence(dependencies: PresenceDependencies): Presence {
  const { directory, announcements, delivery, tasks, now } = dependencies;
  const rechecks = createRechecks(dependencies);

  /** Makes the announcement true. @returns it, and whether that took anything */
  async function settle({ address, userId }: PresenceTask) {
    let announced = await announcements.read(address, userId);
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const online = await isPresent(directory, address, userId);
      if (online === (announced?.online ?? false)) return { announced, isNews: looks > 0 };
      const next = { userId, online, since: Math.max(now(), (announced?.since ?? 0) + 1) };
      const isAnnounced = await announcements.announce(address, next, announced);
      // Then another look: whoever came before this was written saw the old announcement, and has asked nobody to check.
      announced = isAnnounced ? next : await announcements.read(address, userId);
    }
    throw new Error('Presence changes faster than it can be announced');
  }

  /** After it has been announced: a watcher who is not to be seen here reads it. */
  async function tell(address: Address, announced: Announcement): Promise<void> {
    const topic = presenceAddress(address);
    const limit = MAX_DIRECT_CONNECTIONS + 1;
    const frame = toFrame(address, announced);
    const watchers = await directory.find(topic, { consistent: true, limit });
    if (watchers.length < limit) await delivery.announce(watchers, frame);
    else await tasks.add(connectionIdRanges().map((range) => ({ kind: 'announce', topic, frame, range })));
    if (watchers.length > 0 && announced.online) await rechecks.start([address]);
  }

  return {
    async check(task, isRetry) {
      const { announced, isNews } = await settle(task);
      if (announced && (isNews || isRetry)) await tell(task.address, announced);
    },

    async recheck(task) {
      if (!(await rechecks.take(task))) return;
      const { address } = task;
      // Looked at after that: whoever begins to watch, or comes, and is not to be seen here, finds no recheck and asks for one.
      const topic = presenceAddress(address);
      const [watchers, announced] = await Promise.all([
        directory.find(topic, { consistent: true, limit: 1 }),
        announcements.online(address),
      ]);
      if (watchers.length === 0 || announced.length === 0) return;
      const present = await attendance(directory, address);
      const absent = announced.filter(({ userId }) => !present.has(userId));
      // Not now: they may have lost their connection a moment ago.
      const check = { kind: 'presence', address, delaySeconds: ABSENCE_SECONDS } as const;
      await tasks.add(absent.map(({ userId }) => ({ ...check, userId })));
      const soonest = now() + MIN_RECHECK_SECONDS * 1000;
      const next = absent.length > 0 ? soonest : Math.max(soonest, earliestEnd(present));
      await rechecks.next(address, next);
    },
  };
}

/** When the first of those who are there would be gone without another sign of life, epoch milliseconds. */
function earliestEnd(present: ReadonlyMap<string, Attendance>): number {
  return (Math.min(...[...present.values()].map(({ until }) => until)) + 1) * 1000;
}

/** What watchers are pushed. */
function toFrame(address: Address, announced: Announcement): PresenceReply {
  const { userId: user, online, since } = announced;
  return { type: 'presence', ...roomOf(address), users: [{ user, online, since }] };
}

/** The name of a room, as frames have it; of a user's address nothing. */
function roomOf(address: Address): Pick<PresenceReply, 'room'> {
  const conversation = conversationOf(address);
  return 'room' in conversation ? conversation : {};
}
