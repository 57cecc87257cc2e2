import { ERROR_CODES, type ErrorCode, type ErrorCodeInfo, type Problem, problem } from '../../protocol/index.ts';
import type { Now } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import type { DisconnectTask, Tasks } from '../tasks.ts';

type Offender = Pick<Connection, 'connectionId' | 'userId'>;

/** The offences of each connection, over all execution environments. */
export interface Offences {
  /**
   * Adds to the offences of a connection within a minute. The first offence begins the minute; after it, the count
   * starts anew.
   * @returns the sum
   */
  add(offender: Offender, offences: number): Promise<number>;
}

/**
 * Notes how a frame is answered, and closes its connection when too many frames were refused.
 * @param refused Why the frame is refused; `undefined` if it is not
 */
export type NoteAnswer = (connection: Offender, refused: Problem | undefined) => Promise<void>;

/** Offences within a minute that close a connection. */
const MAX_OFFENCES = 50;

/**
 * Refused frames that an execution environment gathers before it writes: one write for each would cost more than the
 * frame.
 */
const FRAMES_PER_STEP = 10;

/** How long offences count, in milliseconds. */
export const OFFENCE_WINDOW_MS = 60_000;

/** How long a connection that was closed for offences is kept away, in milliseconds. */
const PENALTY_MS = 60_000;

/** How long a connection stays open after its token has expired, in seconds: time to register a newer token. */
const GRACE_SECONDS = 10;

/**
 * Connections that an execution environment remembers. It runs one frame at a time, and so many do not come in a
 * minute. If they do, it forgets the oldest one, with nine frames at most.
 */
const MAX_REMEMBERED = 10_000;

/** What an execution environment has seen of one connection in the past minute. */
interface Conduct {
  readonly sinceMs: number;
  /** Refused frames whose offences are not written yet. */
  frames: number;
  /** Their offences. */
  offences: number;
  /** Whether it was told to wait, and has had no frame accepted since. */
  isHeldBack: boolean;
  /** Until when a task is under way that closes it because its token has expired, epoch milliseconds. */
  endingUntilMs: number;
}

/**
 * Each execution environment counts in memory, and adds the offences of ten frames to the item of the connection. The
 * environment whose step reaches 50 within a minute closes the connection: at the latest at frame 50 + 9 for each
 * environment.
 *
 *     environment 1          environment 2           item
 *       |  9 frames              |  40 frames            |
 *       |                        |--- add 10, 4 times -->|  40: the connection stays open
 *       |  1 frame               |                       |
 *       |--- add 10 ------------------------------------>|  50: environment 1 closes it
 */
export function createNoteAnswer(dependencies: {
  readonly offences: Offences;
  readonly tasks: Tasks;
  /** The Management API endpoint of the API that holds the connections. */
  readonly callbackUrl: string;
  readonly now: Now;
}): NoteAnswer {
  const { offences, tasks, callbackUrl, now } = dependencies;
  const conducts = createConducts(now);

  async function endExpired(offender: Offender, refused: Problem): Promise<void> {
    const conduct = conducts.of(offender);
    if (now() < conduct.endingUntilMs) return;
    const bye = { ...problem(refused.code), reconnect: true };
    await tasks.add([
      { kind: 'disconnect', ...offender, callbackUrl, bye, unlessLive: true, delaySeconds: GRACE_SECONDS },
    ]);
    // A connection that is still open after the grace period has lost its task.
    conduct.endingUntilMs = now() + GRACE_SECONDS * 1000;
  }

  async function count(offender: Offender, refused: Problem, offence: number): Promise<void> {
    const conduct = conducts.of(offender);
    if (refused.code === 'rate_limited' && !conduct.isHeldBack) {
      conduct.isHeldBack = true;
      return;
    }
    conduct.frames += 1;
    conduct.offences += offence;
    if (conduct.frames < FRAMES_PER_STEP) return;
    const step = conduct.offences;
    conduct.frames = conduct.offences = 0;
    const sum = await offences.add(offender, step);
    // The next 50 offences queue another task, in case this one gets lost.
    if (Math.floor(sum / MAX_OFFENCES) === Math.floor((sum - step) / MAX_OFFENCES)) return;
    await tasks.add([{ kind: 'disconnect', ...offender, callbackUrl, bye: byeFor(refused.code) }]);
  }

  return async ({ connectionId, userId }, refused) => {
    const offender = { connectionId, userId };
    if (!refused) return conducts.accept(offender);
    const { offence }: ErrorCodeInfo = ERROR_CODES[refused.code];
    if (refused.code === 'token_expired') await endExpired(offender, refused);
    else if (offence !== undefined) await count(offender, refused, offence);
  };
}

/** Uses the sentence of the code. The sentence of the frame may quote the frame, which must not get into a queue. */
function byeFor(code: ErrorCode): DisconnectTask['bye'] {
  const message = `Too many frames were refused within a minute. The last one: ${ERROR_CODES[code].message}`;
  return { code, message, reconnect: true, retryAfterMs: PENALTY_MS };
}

/** What connections have done in the past minute, the oldest first. */
function createConducts(now: Now) {
  const conducts = new Map<string, Conduct>();

  function forgetOld(nowMs: number): void {
    for (const [connectionId, { sinceMs }] of conducts) {
      if (conducts.size < MAX_REMEMBERED && !isOver(sinceMs, nowMs)) return;
      conducts.delete(connectionId);
    }
  }

  return {
    of({ connectionId }: Offender): Conduct {
      const nowMs = now();
      const known = conducts.get(connectionId);
      if (known && !isOver(known.sinceMs, nowMs)) return known;
      conducts.delete(connectionId);
      forgetOld(nowMs);
      const conduct = { sinceMs: nowMs, frames: 0, offences: 0, isHeldBack: false, endingUntilMs: 0 };
      conducts.set(connectionId, conduct);
      return conduct;
    },

    /** Does not remember a connection without offences. */
    accept({ connectionId }: Offender): void {
      const known = conducts.get(connectionId);
      if (known) known.isHeldBack = false;
    },
  };
}

function isOver(sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs >= OFFENCE_WINDOW_MS;
}
