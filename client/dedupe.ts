import type { Message } from '../protocol/index.ts';
import type { Environment } from './environment.ts';

/** A resend or a replay can come this long after the first copy: the server looks back 2 minutes, and clocks differ. */
const MIN_AGE_MS = 10 * 60_000;

/** The newest are remembered whatever their age: a replay after a long sleep starts with them. */
const MIN_COUNT = 1_000;

/** Remembers which messages were handed to the application. */
export interface Dedupe {
  /** Whether the message has not been seen yet. Asking makes it seen. */
  isNew(message: Pick<Message, 'from' | 'id'>): boolean;
}

/**
 * A message is the same when its sender and its id are. One is forgotten when it is older than ten minutes *and* a
 * thousand newer ones have come, so memory is bounded by what arrives within ten minutes.
 */
export function createDedupe(environment: Pick<Environment, 'now'>): Dedupe {
  const seenAt = new Map<string, number>();
  const forgetOld = (now: number) => {
    for (const [key, at] of seenAt) {
      if (seenAt.size <= MIN_COUNT || now - at < MIN_AGE_MS) return;
      seenAt.delete(key);
    }
  };
  return {
    isNew: ({ from, id }) => {
      const key = 'user' in from ? `user ${id} ${from.user}` : `service ${id} ${from.service}`;
      if (seenAt.has(key)) return false;
      const now = environment.now();
      seenAt.set(key, now);
      forgetOld(now);
      return true;
    },
  };
}
