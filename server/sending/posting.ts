import {
  type ConnectionCounts,
  jsonByteLength,
  MAX_PUSH_BYTES,
  type Message,
  type MessagesPush,
  OVERLAP_MS,
  type Push,
} from '../../protocol/index.ts';
import { MAX_SOCKETS, mapConcurrently } from '../concurrency.ts';
import type { Directory, Mapping } from '../connections/directory.ts';
import { createForget } from '../connections/forget.ts';
import { POSTS_PER_UNIT, type Surcharge } from '../gate/user-budget.ts';
import type { Tasks } from '../tasks.ts';
import { type Pace, type PaceClock, type PacedOutcome, postPaced } from './paced.ts';

/** The result of one post. */
export type PostOutcome =
  /** The API accepted it. That is not a receipt: a half-open socket swallows posts, and the resume repairs it. */
  | 'sent'
  /** The API says that there is no such connection. It has said so of live connections. */
  | 'gone'
  /** The API refused it because of a quota, and posted nothing. */
  | 'throttled'
  /** The connection may have missed it. */
  | 'failed'
  | Unreachable;

/** Nothing was posted, because the sender cannot reach the API. That says nothing about the connection. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';

  constructor(cause: unknown) {
    super('The Management API cannot be reached from here.', { cause });
  }
}

/** The outcome of a connection's posts, once the API has been reached. */
type Settled = Exclude<PostOutcome, Unreachable | 'throttled'>;

/** Whether a connection is closed. A connection that is gone counts as closed. */
export function isClosed(outcome: PostOutcome): boolean {
  return outcome === 'sent' || outcome === 'gone';
}

/** Where a connection can be reached. */
export type Target = Pick<Mapping, 'connectionId' | 'callbackUrl'>;

/** The Management API. It never rejects: failures are outcomes. */
export interface Poster {
  /** Posts one frame to one connection. */
  post(target: Target, frame: Push): Promise<PostOutcome>;
  /** Closes a connection; `gone` if there is none. */
  close(target: Target): Promise<PostOutcome>;
}

export interface DeliverOptions {
  /** The id of a connection that gets nothing: it sends the messages. @default every target gets them */
  readonly spared?: string | undefined;
  /** Settles when the messages are in their log, if they go into one. @default they are in their log */
  readonly logged?: Promise<unknown>;
}

/** A frame for one connection. */
export interface PushPost {
  readonly target: Mapping;
  readonly frame: Push;
}

/** Posts frames to connections, and handles those that do not take them. */
export interface Posting {
  /**
   * Posts `messages`, in their order, to every target. Resolves when each post has an outcome. A connection that is
   * gone is forgotten, and closed in case it is alive. A connection that missed a message gets no later one: it is
   * removed from the directory, then closed, and its client comes back and resumes.
   * @returns one count of outcomes for each message
   * @throws Unreachable if the API cannot be reached: no connection is cut off for that, and the messages must not be
   *   acknowledged
   */
  deliver(
    targets: readonly Mapping[],
    messages: readonly Message[],
    options?: DeliverOptions,
  ): Promise<readonly ConnectionCounts[]>;

  /**
   * Posts frames that are in no log, once each. A lost frame leaves no gap that a later one could hide. A connection that
   * is gone is forgotten.
   * @param userId The user who pays for all of them. The frame's charge pays for the first hundred.
   */
  push(userId: string, posts: readonly PushPost[]): Promise<void>;

  /**
   * Posts a frame that is in no log, but must not be missed: a connection that does not take it is cut off.
   * @throws Unreachable if the API cannot be reached, as `deliver` does
   */
  announce(targets: readonly Mapping[], frame: Push): Promise<void>;

  /**
   * Posts a frame to a part of an address's connections, at a pace. A connection that does not take it is treated as
   * `deliver` treats it, unless the API refused the post because of a quota. Charges the user in whose name the frame is
   * posted for each hundred posts begun.
   */
  part(targets: readonly Mapping[], frame: Push, pace: Pace, clock: PaceClock): Promise<PacedOutcome<Mapping>>;

  /** Cuts connections off that will not get a message: their clients come back and resume. */
  cutOff(targets: readonly Mapping[]): Promise<void>;
}

/**
 * The oldest age of a stored message, in milliseconds, at which it is posted from the log or the queue like a new one.
 * A device that misses that post resumes from its cursor less the overlap. So the overlap covers this age, the life of
 * a handler and the difference of clocks. Otherwise the model loses messages: `RETRY_AGE` in docs/model.
 */
export const MAX_DELIVERY_AGE_MS = OVERLAP_MS / 2;

export function createPosting(dependencies: {
  poster: Poster;
  directory: Directory;
  tasks: Tasks;
  /** Absent: nothing is sent on behalf of users. */
  surcharge?: Surcharge | undefined;
}): Posting {
  const { poster, directory, tasks, surcharge } = dependencies;
  const forget = createForget(dependencies);

  /**
   * Posts one frame after the other, to keep their order. After a frame that did not arrive it posts none: a later one
   * would hide the gap.
   */
  async function postAll(target: Mapping, frames: readonly Push[], logged?: Promise<unknown>) {
    const outcomes: Settled[] = [];
    let outcome: PostOutcome = 'sent';
    for (const frame of frames) {
      if (outcome === 'sent') outcome = await poster.post(target, frame);
      if (outcome instanceof Unreachable) throw outcome;
      if (outcome === 'throttled') outcome = 'failed';
      outcomes.push(outcome);
    }
    await settle(target, outcome, logged);
    return outcomes;
  }

  /** Handles a connection after its last post. */
  async function settle(target: Mapping, outcome: Settled, logged?: Promise<unknown>): Promise<void> {
    if (outcome === 'gone') {
      // A live connection registers again as soon as it is forgotten, and must find in the log what it was not posted.
      await Promise.allSettled([logged]);
      await forget(target);
    }
    if (outcome === 'failed') await cutOff(target);
  }

  /** @returns the outcome of each message, by its serial */
  async function deliverToOne(target: Mapping, frames: readonly MessagesPush[], logged?: Promise<unknown>) {
    const outcomes = await postAll(target, frames, logged);
    return new Map(
      frames.flatMap(({ messages }, at) => messages.map(({ serial }) => [serial, outcomes[at] ?? 'failed'] as const)),
    );
  }

  /**
   * Removes the connection first: a sender who looks now must not find it. `tasks` closes it at a slow pace, or a short
   * failure would bring every client back at once.
   */
  async function cutOff({ address, connectionId, callbackUrl }: Mapping): Promise<void> {
    await directory.remove(address, connectionId);
    await tasks.add([{ kind: 'close', connectionId, callbackUrl }]);
  }

  /** Charges the user in whose name the frames are posted. */
  async function charge(userId: string | undefined, posts: number, round = Math.floor): Promise<void> {
    if (userId === undefined) return;
    await surcharge?.(userId, round(posts / POSTS_PER_UNIT));
  }

  return {
    async deliver(all, messages, { spared, logged } = {}) {
      const frames = toFrames(messages);
      const targets = all.filter(({ connectionId }) => connectionId !== spared);
      const posting = mapConcurrently(targets, MAX_SOCKETS, (target) => deliverToOne(target, frames, logged));
      await Promise.allSettled([posting, charge(causedBy(frames[0]), frames.length * targets.length)]);
      const outcomes = await posting;
      return messages.map(({ serial }) => {
        const counts = { sent: 0, gone: 0, failed: 0 };
        for (const ofTarget of outcomes) {
          const outcome = ofTarget.get(serial);
          if (outcome) counts[outcome] += 1;
        }
        return counts;
      });
    },

    async push(userId, posts) {
      await charge(userId, posts.length);
      await mapConcurrently(posts, MAX_SOCKETS, async ({ target, frame }) => {
        if ((await poster.post(target, frame)) === 'gone') await forget(target);
      });
    },

    async announce(targets, frame) {
      await charge(causedBy(frame), targets.length);
      await mapConcurrently(targets, MAX_SOCKETS, (target) => postAll(target, [frame]));
    },

    async part(targets, frame, pace, clock) {
      const postTo = async (target: Mapping) => {
        const outcome = await poster.post(target, frame);
        if (outcome === 'throttled') return outcome;
        if (outcome instanceof Unreachable) throw outcome;
        await settle(target, outcome);
        return 'done';
      };
      const result = await postPaced(targets, postTo, pace, clock);
      await charge(causedBy(frame), targets.length - result.left.length, Math.ceil);
      return result;
    },

    async cutOff(targets) {
      await mapConcurrently(targets, MAX_SOCKETS, cutOff);
    },
  };
}

/** The user in whose name a frame is posted, and who pays; `undefined` for services and the installation itself. */
function causedBy(frame: Push | undefined): string | undefined {
  switch (frame?.type) {
    case 'messages': {
      const from = frame.messages[0]?.from;
      return from && 'user' in from ? from.user : undefined;
    }
    case 'presence':
      return frame.users[0]?.user;
    default:
      return undefined;
  }
}

/** As few frames as the push limit allows: API Gateway bills each. */
export function toFrames(messages: readonly Message[]): readonly MessagesPush[] {
  const emptyFrameBytes = jsonByteLength({ type: 'messages', messages: [] } satisfies MessagesPush);
  const frames: Message[][] = [];
  let frameBytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const bytes = jsonByteLength(message) + 1;
    if (frameBytes + bytes > MAX_PUSH_BYTES) {
      frames.push([]);
      frameBytes = emptyFrameBytes;
    }
    frames.at(-1)?.push(message);
    frameBytes += bytes;
  }
  return frames.map((inFrame) => ({ type: 'messages', messages: inFrame }));
}
