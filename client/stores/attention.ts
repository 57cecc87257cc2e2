/** What a browser has, and other runtimes may not. */
interface Page {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

interface PageDocument extends Page {
  readonly visibilityState?: string;
  hasFocus?(): boolean;
}

const page = globalThis as Page & { readonly document?: PageDocument };
const EVENTS = ['focus', 'blur', 'pageshow'];

/** Whether a person can be looking at the page: it is visible and has the focus. True in runtimes without pages. */
export function isAttended(): boolean {
  const { document } = page;
  return !document || (document.visibilityState === 'visible' && document.hasFocus?.() !== false);
}

/**
 * Calls back whenever {@link isAttended} may have changed.
 * @returns Ends it.
 */
export function onAttention(callback: () => void): () => void {
  const { document } = page;
  for (const event of EVENTS) page.addEventListener?.(event, callback);
  document?.addEventListener?.('visibilitychange', callback);
  return () => {
    for (const event of EVENTS) page.removeEventListener?.(event, callback);
    document?.removeEventListener?.('visibilitychange', callback);
  };
}
