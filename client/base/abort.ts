/** Why a signal has aborted, for runtimes whose signals do not remember it: React Native's. */
const reasons = new WeakMap<AbortSignal, unknown>();

/** Aborts for a reason. */
export function abortWith(controller: AbortController, reason: unknown): void {
  reasons.set(controller.signal, reason);
  controller.abort(reason);
}

/** Why a signal has aborted: an `AbortError` where no reason was given. */
export function reasonOf(signal: AbortSignal): unknown {
  // Null is a reason.
  const reason = reasons.has(signal) ? reasons.get(signal) : signal.reason;
  return reason === undefined ? Object.assign(new Error('Aborted.'), { name: 'AbortError' }) : reason;
}

type Callback = (reason: unknown) => void;

/** Whom to call when a signal aborts. One listener of each signal is enough for all: Node.js warns of more than ten. */
const waiting = new WeakMap<object, Set<Callback>>();

function callAll({ target }: Event): void {
  const signal = target as AbortSignal;
  for (const callback of waiting.get(signal) ?? []) callback(reasonOf(signal));
}

/**
 * Calls back when the signal aborts; at once, if it has.
 * @returns Takes that back.
 */
export function onAbort(signal: AbortSignal | undefined, callback: Callback): () => void {
  if (!signal) return () => {};
  const callbacks = waiting.get(signal) ?? new Set();
  if (signal.aborted) callback(reasonOf(signal));
  else {
    waiting.set(signal, callbacks.add(callback));
    signal.addEventListener('abort', callAll);
  }
  return () => {
    callbacks.delete(callback);
    if (!callbacks.size) signal.removeEventListener('abort', callAll);
  };
}

/** @throws the reason of the signal, if it has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}
