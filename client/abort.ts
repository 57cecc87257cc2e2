/** Why a signal has aborted, where the runtime's own does not remember it: that of React Native. */
const reasons = new WeakMap<AbortSignal, unknown>();

/** Aborts for a reason. */
export function abortWith(controller: AbortController, reason: unknown): void {
  reasons.set(controller.signal, reason);
  controller.abort(reason);
}

/** Why a signal has aborted: an `AbortError` where nobody says. */
export function reasonOf(signal: AbortSignal | undefined): unknown {
  if (!signal) return undefined;
  // Null is a reason.
  const reason = reasons.has(signal) ? reasons.get(signal) : signal.reason;
  return reason === undefined ? Object.assign(new Error('The signal has aborted.'), { name: 'AbortError' }) : reason;
}

/** @throws the reason of the signal, if it has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}
