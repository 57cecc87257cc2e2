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
import type { Spared } from './fan-out.ts';

/** What became of one post. */
export type PostOutcome =
  /** The API took it. That is no receipt: a half-open socket swallows posts, and the resume repairs it. */
  | 'delivered'
  /** The API says that there is no such connection. It has been seen to say so of a living one. */
  | 'gone'
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

/** Whether a connection is closed after it was to be: one that is gone is as closed as one can be. */
export function isClosed(outcome: PostOutcome): boolean {
  return outcome === 'delivered' || outcome === 'gone';
}

/** Where a connection can be reached. */
export type Target = Pick<Mapping, 'connectionId' | 'callbackUrl'>;

/** The Management API. Never rejects: what can go wrong is an outcome. */
export interface Poster {
  /** Posts one frame to one connection. */
  post(target: Target, frame: Push): Promise<PostOutcome>;
  /** Closes a connection; `gone` if there is none. */
  close(target: Target): Promise<PostOutcome>;
}

export interface DeliverOptions {
  /** @default nothing is spared */
  readonly spared?: Spared | undefined;
  /** Settles when the messages are in their log, as far as they are to be. @default they are */
  readonly logged?: Promise<unknown>;
  /**
   * Whether the targets are a part of those of an address. Then the sender is charged for each hundred posts begun; otherwise
   * the first hundred are paid by what the frame was charged. @default false
   */
  readonly isPart?: boolean;
}

/** Delivers to connections, and sees to those that cannot be reached. */
export interface Posting {
  /**
   * Posts `messages`, in their order, to every target; resolves when each post has an outcome.
   * A connection that is gone is forgotten, and closed in case it is not. One that missed a message gets no later one: it
   * is removed from the directory, then closed, and its client comes back and resumes.
   * @returns one count of outcomes for each message
   * @throws Unreachable if the API cannot be reached: nobody is cut off for that, and the messages must not be acknowledged
   */
  deliver(
    targets: readonly Mapping[],
    messages: readonly Message[],
    options?: DeliverOptions,
  ): Promise<readonly ConnectionCounts[]>;

  /**
   * Posts what is in no log, once. What does not arrive is lost, and leaves no gap that a later one could hide. A connection
   * that is gone is forgotten.
   */
  push(targets: readonly Mapping[], frame: Push): Promise<void>;

  /**
   * Posts what is in no log but must not be missed either: a connection that does not take it is cut off as well.
   * @param options as those of `deliver`
   * @throws Unreachable if the API cannot be reached, as `deliver` does
   */
  announce(targets: readonly Mapping[], frame: Push, options?: Pick<DeliverOptions, 'isPart'>): Promise<void>;
}

/**
 * How old a stored message may be, in milliseconds, when it is posted from the log or from the queue like any other. A
 * device that misses that post resumes from its cursor less the overlap, so the overlap has to cover this age, the life
 * of a handler and the difference of clocks. The model loses messages when it does not: `RETRY_AGE` in docs/model.
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

  /** One frame after the other, for order; after one that did not arrive, none: a later one would hide the gap. */
  async function postAll(target: Mapping, frames: readonly Push[], logged?: Promise<unknown>) {
    const outcomes: Exclude<PostOutcome, Unreachable>[] = [];
    let outcome: PostOutcome = 'delivered';
    for (const frame of frames) {
      if (outcome === 'delivered') outcome = await poster.post(target, frame);
      if (outcome instanceof Unreachable) throw outcome;
      outcomes.push(outcome);
    }
    if (outcome === 'gone') {
      // One that is alive registers again as soon as it is forgotten, and has to find in the log what it was not posted.
      await Promise.allSettled([logged]);
      await forget(target);
    }
    if (outcome === 'failed') await cutOff(target);
    return outcomes;
  }

  /** @returns what became of each message, by its serial */
  async function deliverToOne(target: Mapping, frames: readonly MessagesPush[], logged?: Promise<unknown>) {
    const outcomes = await postAll(target, frames, logged);
    return new Map(
      frames.flatMap(({ messages }, at) => messages.map(({ serial }) => [serial, outcomes[at] ?? 'failed'] as const)),
    );
  }

  /** Removed first: a sender who looks now must not find it. Closed by `tasks`, paced, lest a brake become a stampede. */
  async function cutOff({ address, connectionId, callbackUrl }: Mapping): Promise<void> {
    await directory.remove(address, connectionId);
    await tasks.add([{ kind: 'close', connectionId, callbackUrl }]);
  }

  /** Charges whoever has caused some posts, in whose name the frame is. */
  async function charge(frame: Push | undefined, posts: number, isPart = false): Promise<void> {
    const userId = frame && causedBy(frame);
    if (userId === undefined) return;
    await surcharge?.(userId, (isPart ? Math.ceil : Math.floor)(posts / POSTS_PER_UNIT));
  }

  return {
    async deliver(targets, messages, { spared, logged, isPart } = {}) {
      const frames = toFrames(messages);
      const ofSender = spared ? toFrames(messages.filter(({ serial }) => !spared.serials.includes(serial))) : [];
      const posting = mapConcurrently(targets, MAX_SOCKETS, (target) =>
        deliverToOne(target, target.connectionId === spared?.connectionId ? ofSender : frames, logged),
      );
      await Promise.allSettled([posting, charge(frames[0], frames.length * targets.length, isPart)]);
      const outcomes = await posting;
      return messages.map(({ serial }) => {
        const counts = { delivered: 0, gone: 0, failed: 0 };
        for (const ofTarget of outcomes) {
          const outcome = ofTarget.get(serial);
          if (outcome) counts[outcome] += 1;
        }
        return counts;
      });
    },

    async push(targets, frame) {
      await charge(frame, targets.length);
      await mapConcurrently(targets, MAX_SOCKETS, async (target) => {
        if ((await poster.post(target, frame)) === 'gone') await forget(target);
      });
    },

    async announce(targets, frame, { isPart } = {}) {
      await charge(frame, targets.length, isPart);
      await mapConcurrently(targets, MAX_SOCKETS, (target) => postAll(target, [frame]));
    },
  };
}

/** The user in whose name a frame is posted; `undefined` for what services and the installation itself send. */
function causedBy(frame: Push): string | undefined {
  switch (frame.type) {
    case 'messages': {
      const from = frame.messages[0]?.from;
      return from && 'user' in from ? from.user : undefined;
    }
    case 'receipt':
      return frame.from.user;
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
