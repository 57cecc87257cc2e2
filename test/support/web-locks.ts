import type { Locks } from '../../client/environment.ts';

/** Web Locks among clients of one test: each client has a view of its own, whose locks are gone when it is. */
export class WebLocks {
  readonly #queues = new Map<string, Request[]>();

  /** The locks as one page sees them. */
  page(): Locks & { /** The page crashes, or is left. */ leave(): void } {
    const requests = new Set<Request>();
    return {
      request: (name, { ifAvailable = false }, callback) => {
        const queue = this.#queues.get(name) ?? [];
        this.#queues.set(name, queue);
        if (ifAvailable && queue.length > 0) return Promise.resolve(callback(null));
        return new Promise((resolve, reject) => {
          const end = () => {
            requests.delete(request);
            const isHeld = queue[0] === request;
            queue.splice(queue.indexOf(request), 1);
            if (isHeld) queue[0]?.grant();
          };
          const request: Request = {
            // Never at once: the browser is another process.
            grant: () =>
              queueMicrotask(() => void Promise.resolve(callback({ name })).then(resolve, reject).finally(end)),
            end,
          };
          requests.add(request);
          queue.push(request);
          if (queue.length === 1) request.grant();
        });
      },
      leave: () => {
        for (const request of [...requests]) request.end();
      },
    };
  }

  /** The names of the locks that somebody holds. */
  get held(): readonly string[] {
    return [...this.#queues].filter(([, queue]) => queue.length > 0).map(([name]) => name);
  }
}

interface Request {
  grant(): void;
  end(): void;
}
