import {
  type ConnectionCounts,
  jsonByteLength,
  MAX_PUSH_BYTES,
  type Message,
  type MessagesPush,
} from '../protocol/index.ts';
import { mapConcurrently } from './concurrency.ts';
import type { Directory, Mapping } from './directory.ts';

/** What became of one post. A 200 is no receipt: a half-open socket swallows posts. */
export type PostOutcome = 'delivered' | 'gone' | 'failed';

/** Posts one frame to one connection. Never rejects: what can go wrong is an outcome. */
export interface Poster {
  post(target: Pick<Mapping, 'connectionId' | 'callbackUrl'>, frame: MessagesPush): Promise<PostOutcome>;
}

/** Delivers to connections, and forgets those that are gone. */
export interface Delivery {
  /**
   * Posts `messages`, in their order, to every target; resolves when each post has an outcome.
   * @returns one count of outcomes for each message
   */
  deliver(targets: readonly Mapping[], messages: readonly Message[]): Promise<readonly ConnectionCounts[]>;
}

/** Posts a handler has under way at once: as many as the SDK's HTTP agent has sockets for a host. */
export const MAX_CONCURRENT_POSTS = 50;

/** Delivery over a poster; connections that turn out to be gone are removed from the directory. */
export function createDelivery({ poster, directory }: { poster: Poster; directory: Directory }): Delivery {
  /** One frame after the other, for order; after one that did not arrive, none: a later one would hide the gap. */
  async function deliverToOne(target: Mapping, frames: readonly MessagesPush[]): Promise<readonly PostOutcome[]> {
    const outcomes: PostOutcome[] = [];
    let outcome: PostOutcome = 'delivered';
    for (const frame of frames) {
      if (outcome === 'delivered') outcome = await poster.post(target, frame);
      outcomes.push(outcome);
    }
    if (outcome === 'gone') await directory.remove(target.address, target.connectionId);
    return outcomes;
  }

  return {
    async deliver(targets, messages) {
      const frames = toFrames(messages);
      const outcomes = await mapConcurrently(targets, MAX_CONCURRENT_POSTS, (target) => deliverToOne(target, frames));
      return frames.flatMap((frame, index) => {
        const counts = { delivered: 0, gone: 0, failed: 0 };
        for (const ofTarget of outcomes) counts[ofTarget[index] ?? 'failed'] += 1;
        return frame.messages.map(() => counts);
      });
    },
  };
}

/** As few frames as the push limit allows: API Gateway bills each. */
function toFrames(messages: readonly Message[]): readonly MessagesPush[] {
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
