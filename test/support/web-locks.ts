import type { Locks } from '../../client/environment.ts';
import { settle } from './client-world.ts';

/** Web Locks among clients of one test: each client has a view of its own, whose locks are gone when it is. */
export class WebLocks {
  readonly #queues = new Map<string, Request[]>();

  /** The locks as one page sees them. */
  page(): PageLocks {
    const requests = new Set<Request>();
    let whenAwake = Promise.resolve();
    let isGone = false;
    return {
      request: (name, { ifAvailable = false, steal = false }, callback) => {
        if (isGone) return new Promise(() => {});
        const queue = this.#queues.get(name) ?? [];
        this.#queues.set(name, queue);
        if (ifAvailable && queue.length > 0) return Promise.resolve(callback(null));
        return new Promise((resolve, reject) => {
          const leave = () => {
            requests.delete(request);
            if (queue.includes(request)) queue.splice(queue.indexOf(request), 1);
          };
          let isLost = false;
          const request: Request = {
            // Never at once: the browser is another process.
            grant: () =>
              void whenAwake.then(() => {
                if (!isLost) void Promise.resolve(callback({ name })).then(resolve, reject).finally(request.end);
              }),
            end: () => {
              const isHeld = queue[0] === request;
              leave();
              if (isHeld) queue[0]?.grant();
            },
            // Until then, it goes on as if it had it: there are two that do.
            lose: () => {
              isLost = true;
              leave();
              void whenAwake.then(settle).then(() => reject(new DOMException('The lock was stolen.', 'AbortError')));
            },
          };
          requests.add(request);
          if (steal) {
            queue[0]?.lose();
            queue.unshift(request);
          } else queue.push(request);
          if (queue[0] === request) request.grant();
        });
      },
      hangUntil: (awake) => {
        whenAwake = awake;
      },
      leave: () => {
        isGone = true;
        for (const request of [...requests]) request.end();
      },
    };
  }

  /** The names of the locks that somebody holds. */
  get held(): readonly string[] {
    return [...this.#queues].filter(([, queue]) => queue.length > 0).map(([name]) => name);
  }
}

/** What one page has of the locks. */
export interface PageLocks extends Locks {
  /** The page is told of nothing until then. */
  hangUntil(awake: Promise<void>): void;
  /** The page crashes, or is left. */
  leave(): void;
}

interface Request {
  grant(): void;
  end(): void;
  /** Somebody has stolen it. */
  lose(): void;
}
