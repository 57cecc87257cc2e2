import type { Locks } from '../../client/environment.ts';
import { settle } from './client-world.ts';

/** Web Locks for the pages of one test. Each page has a view of its own; its locks end with it. */
export class WebLocks {
  readonly #queues = new Map<string, Request[]>();

  /** Returns one page's view of the locks. */
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
            // Never synchronously: the browser is another process.
            grant: () =>
              void whenAwake.then(() => {
                if (!isLost) void Promise.resolve(callback({ name })).then(resolve, reject).finally(request.end);
              }),
            end: () => {
              const isHeld = queue[0] === request;
              leave();
              if (isHeld) queue[0]?.grant();
            },
            // Until the page learns of the theft, two pages act as the owner.
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

  /** The names of the held locks. */
  get held(): readonly string[] {
    return [...this.#queues].filter(([, queue]) => queue.length > 0).map(([name]) => name);
  }
}

/** One page's view of the locks. */
export interface PageLocks extends Locks {
  /** Delays all news for the page until the promise settles. */
  hangUntil(awake: Promise<void>): void;
  /** Ends the page's locks, as a crash or a page change does. */
  leave(): void;
}

interface Request {
  grant(): void;
  end(): void;
  /** Another page steals the lock. */
  lose(): void;
}
