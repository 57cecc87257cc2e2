import { onAbort } from './abort.ts';

/** Calls listeners. An exception of one listener reaches neither the others nor the caller. */
export interface Emitter<Events extends object> {
  /** @throws TypeError for an unknown event, or a listener that is not a function. */
  on<E extends keyof Events & string>(
    event: E,
    listener: (value: Events[E]) => void,
    signal?: AbortSignal | undefined,
  ): () => void;
  /** @returns Whether there is a listener. */
  emit<E extends keyof Events & string>(event: E, value: Events[E]): boolean;
}

/**
 * @param names Every event there is.
 * @param onEmit Called before the listeners.
 */
export function createEmitter<Events extends object>(
  names: readonly (keyof Events & string)[],
  onEmit: (event: keyof Events & string, value: unknown) => void,
): Emitter<Events> {
  type Listener = (value: never) => void;
  const listeners = new Map<string, Set<Listener>>(names.map((name) => [name, new Set()]));
  return {
    on: (event, listener, signal) => {
      const others = listeners.get(event);
      if (!others) throw new TypeError(`on: there is no event "${event}"; there are ${names.join(', ')}`);
      if (typeof listener !== 'function')
        throw new TypeError(`on: the listener must be a function, got ${typeof listener}`);
      // A function of its own, so that the same listener added twice is removed one by one.
      const own: Listener = (value) => listener(value);
      others.add(own);
      const remove = () => others.delete(own);
      const stopWaiting = onAbort(signal, remove);
      return () => {
        remove();
        stopWaiting();
      };
    },
    emit: (event, value) => {
      onEmit(event, value);
      // A copy: a listener may add or remove others.
      const called = [...(listeners.get(event) ?? [])];
      for (const listener of called) callListener(() => listener(value as never));
      return called.length > 0;
    },
  };
}

/** Lets the runtime report what a listener throws, as it does for an `EventTarget`. */
function callListener(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
