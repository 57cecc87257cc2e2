import {
  type ConnectionCounts,
  jsonByteLength,
  MAX_PUSH_BYTES,
  type Message,
  type MessagesPush,
  OVERLAP_MS,
  type Push,
} from '../protocol/index.ts';
import { mapConcurrently } from './concurrency.ts';
import type { Directory, Mapping } from './directory.ts';
import { createForget } from './forget.ts';
import type { Tasks } from './tasks.ts';

/** What became of one post. A 200 is no receipt: a half-open socket swallows posts, and the resume repairs it. */
export type PostOutcome = 'delivered' | 'gone' | 'failed';

/** Where a connection can be reached. */
export type Target = Pick<Mapping, 'connectionId' | 'callbackUrl'>;

/** The Management API. Never rejects: what can go wrong is an outcome. */
export interface Poster {
  /** Posts one frame to one connection. */
  post(target: Target, frame: Push): Promise<PostOutcome>;
  /** Closes a connection; `gone` if there is none. */
  close(target: Target): Promise<PostOutcome>;
}

/** What is not posted to the connection that sends. */
export interface Spared {
  readonly connectionId: string;
  readonly serials: readonly string[];
}

/** Delivers to connections, and sees to those that cannot be reached. */
export interface Delivery {
  /**
   * Posts `messages`, in their order, to every target; resolves when each post has an outcome.
   * A connection that is gone is forgotten. One that missed a message gets no later one: it is removed from the
   * directory, then closed, and its client comes back and resumes.
   * @returns one count of outcomes for each message
   */
  deliver(
    targets: readonly Mapping[],
    messages: readonly Message[],
    spared?: Spared,
  ): Promise<readonly ConnectionCounts[]>;

  /**
   * Posts what is in no log, once. What does not arrive is lost, and leaves no gap that a later one could hide. A connection
   * that is gone is forgotten.
   */
  push(targets: readonly Mapping[], frame: Push): Promise<void>;

  /** Posts what is in no log but must not be missed either: a connection that does not take it is cut off as well. */
  announce(targets: readonly Mapping[], frame: Push): Promise<void>;
}

/**
 * How old a stored message may be, in milliseconds, when it is posted from the log or from the queue like any other. A
 * device that misses that post resumes from its cursor less the overlap, so the overlap has to cover this age, the life
 * of a handler and the difference of clocks. The model loses messages when it does not: `RETRY_AGE` in docs/model.
 */
export const MAX_DELIVERY_AGE_MS = OVERLAP_MS / 2;

/** Posts a handler has under way at once: as many as the SDK's HTTP agent has sockets for a host. */
export const MAX_CONCURRENT_POSTS = 50;

export function createDelivery(dependencies: { poster: Poster; directory: Directory; tasks: Tasks }): Delivery {
  const { poster, directory, tasks } = dependencies;
  const forget = createForget(dependencies);

  /** One frame after the other, for order; after one that did not arrive, none: a later one would hide the gap. */
  async function postAll(target: Mapping, frames: readonly Push[]): Promise<readonly PostOutcome[]> {
    const outcomes: PostOutcome[] = [];
    let outcome: PostOutcome = 'delivered';
    for (const frame of frames) {
      if (outcome === 'delivered') outcome = await poster.post(target, frame);
      outcomes.push(outcome);
    }
    if (outcome === 'gone') await forget(target);
    if (outcome === 'failed') await cutOff(target);
    return outcomes;
  }

  /** @returns what became of each message, by its serial */
  async function deliverToOne(target: Mapping, frames: readonly MessagesPush[]) {
    const outcomes = await postAll(target, frames);
    return new Map(
      frames.flatMap(({ messages }, at) => messages.map(({ serial }) => [serial, outcomes[at] ?? 'failed'] as const)),
    );
  }

  /** Removed first: a sender who looks now must not find it. Closed by `work`, paced, lest a brake become a stampede. */
  async function cutOff({ address, connectionId, callbackUrl }: Mapping): Promise<void> {
    await directory.remove(address, connectionId);
    await tasks.add([{ kind: 'close', connectionId, callbackUrl }]);
  }

  return {
    async deliver(targets, messages, spared) {
      const frames = toFrames(messages);
      const ofSender = spared ? toFrames(messages.filter(({ serial }) => !spared.serials.includes(serial))) : [];
      const outcomes = await mapConcurrently(targets, MAX_CONCURRENT_POSTS, (target) =>
        deliverToOne(target, target.connectionId === spared?.connectionId ? ofSender : frames),
      );
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
      await mapConcurrently(targets, MAX_CONCURRENT_POSTS, async (target) => {
        if ((await poster.post(target, frame)) === 'gone') await forget(target);
      });
    },

    async announce(targets, frame) {
      await mapConcurrently(targets, MAX_CONCURRENT_POSTS, (target) => postAll(target, [frame]));
    },
  };
}

/** As few frames as the push limit allows: API Gateway bills each. */
export function toFrames(messages: readonly Message[]): readonly MessagesPush[] {
  const envelopeBytes = jsonByteLength({ type: 'messages', messages: [] } satisfies MessagesPush);
  const frames: Message[][] = [];
  let frameBytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const bytes = jsonByteLength(message) + 1;
    if (frameBytes + bytes > MAX_PUSH_BYTES) {
      frames.push([]);
      frameBytes = envelopeBytes;
    }
    frames.at(-1)?.push(message);
    frameBytes += bytes;
  }
  return frames.map((inFrame) => ({ type: 'messages', messages: inFrame }));
}
