import { ERROR_CODES, type ErrorCode, type Problem, problem } from '../../protocol/index.ts';
import type { Now } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import type { DisconnectTask, Tasks } from '../tasks.ts';

type Offender = Pick<Connection, 'connectionId' | 'userId'>;

/** The offences of each connection, over all execution environments. */
export interface Offences {
  /**
   * Adds to what a connection has done within a minute. Its first offence begins the minute; after it the count starts anew.
   * @returns the sum
   */
  add(offender: Offender, offences: number): Promise<number>;
}

/**
 * Notes how a frame is about to be answered, and has its connection closed when too many were refused.
 * @param refused Why it is refused; `undefined` if it is not
 */
export type NoteAnswer = (connection: Offender, refused: Problem | undefined) => Promise<void>;

/**
 * What a refused frame counts. A code that is not here counts nothing: the gate has charged the frame, or the connection is
 * closed anyway. Half, where a client may have several in flight before it hears of the first, or a person may cause many.
 */
const WEIGHTS: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_json: 1,
  invalid_frame: 1,
  unknown_action: 1,
  frame_too_large: 1,
  not_registered: 1,
  invalid_token: 1,
  // Of a registration, which is charged only when it is made.
  superseded: 0.5,
  connection_removed: 0.5,
  invalid_cursor: 0.5,
  search_disabled: 0.5,
  // Counts only after another one: a client that waits as long as it is told has a frame accepted in between. An eighth, since
  // hundreds may be in flight when the budget of the user runs out, which another device of theirs may have used up.
  rate_limited: 0.125,
};

/** How many offences within a minute close a connection. */
const MAX_OFFENCES = 50;

/** Refused frames that an execution environment gathers before it writes: a write for each would cost more than the frame. */
const FRAMES_PER_STEP = 10;

/** How long offences count, in milliseconds. */
export const OFFENCE_WINDOW_MS = 60_000;

/** How long whoever was closed for offences is kept away, in milliseconds. */
const PENALTY_MS = 60_000;

/** How long a connection stays open whose token has expired, in seconds: time to hear of it, and to register a newer one. */
const GRACE_SECONDS = 10;

/**
 * How many connections an execution environment remembers: it runs one frame at a time, and as many do not come in a minute.
 * If they do, it forgets the oldest, with nine frames at most.
 */
const MAX_REMEMBERED = 10_000;

/** What an execution environment has seen of one connection in the past minute. */
interface Conduct {
  readonly sinceMs: number;
  /** Frames whose offences have not been added yet. */
  frames: number;
  /** Their offences. */
  offences: number;
  /** Whether it has been told to wait, and has not had a frame accepted since. */
  isHeldBack: boolean;
  /** Until when a task is under way that ends it because its token has expired, epoch milliseconds. */
  endingUntilMs: number;
}

/**
 * Each execution environment counts in memory, and adds what ten frames count to the item of the connection. The one whose
 * step reaches 50 within a minute has the connection closed: at the latest at frame 50 + 9 for each environment.
 *
 *     environment 1          environment 2           item
 *       |  9 frames              |  40 frames            |
 *       |                        |--- add 10, 4 times -->|  40: the connection goes on
 *       |  1 frame               |                       |
 *       |--- add 10 ------------------------------------>|  50: environment 1 has it closed
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
    // A connection that is still open after the grace has lost its task.
    conduct.endingUntilMs = now() + GRACE_SECONDS * 1000;
  }

  async function count(offender: Offender, refused: Problem, weight: number): Promise<void> {
    const conduct = conducts.of(offender);
    if (refused.code === 'rate_limited' && !conduct.isHeldBack) {
      conduct.isHeldBack = true;
      return;
    }
    conduct.frames += 1;
    conduct.offences += weight;
    if (conduct.frames < FRAMES_PER_STEP) return;
    const step = conduct.offences;
    conduct.frames = conduct.offences = 0;
    const sum = await offences.add(offender, step);
    // Another task follows 50 offences later, in case this one gets lost.
    if (Math.floor(sum / MAX_OFFENCES) === Math.floor((sum - step) / MAX_OFFENCES)) return;
    await tasks.add([{ kind: 'disconnect', ...offender, callbackUrl, bye: byeFor(refused.code) }]);
  }

  return async ({ connectionId, userId }, refused) => {
    const offender = { connectionId, userId };
    if (!refused) return conducts.accept(offender);
    const weight = WEIGHTS[refused.code];
    if (refused.code === 'token_expired') await endExpired(offender, refused);
    else if (weight !== undefined) await count(offender, refused, weight);
  };
}

/** Has the sentence of the code, not that of the frame, which may quote the frame, and would be kept in a queue. */
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

    /** Does not remember a connection that has done nothing wrong. */
    accept({ connectionId }: Offender): void {
      const known = conducts.get(connectionId);
      if (known) known.isHeldBack = false;
    },
  };
}

function isOver(sinceMs: number, nowMs: number): boolean {
  return nowMs - sinceMs >= OFFENCE_WINDOW_MS;
}
