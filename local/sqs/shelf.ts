import type { Cancel, Clock } from '../clock.ts';
import type { Message } from './message.ts';

/** The messages of a queue: the visible and the hidden ones. */
export interface Shelf {
  get(messageId: string): Message | undefined;
  /** Whether a message is received, and hidden until its visibility timeout passes. */
  isInFlight(messageId: string): boolean;
  /** Adds or replaces a message. It stays hidden until its `visibleAt`. */
  put(message: Message): void;
  delete(messageId: string): void;
  /** Returns the visible messages, in about the order in which they became visible. */
  visible(): IterableIterator<Message>;
  counts(): { readonly visible: number; readonly inFlight: number; readonly delayed: number };
  /** Removes all messages. Returns their ids. */
  clear(): string[];
}

interface Hidden {
  readonly message: Message;
  readonly cancel: Cancel;
}

/** @param onVisible called when a hidden message becomes visible */
export function createShelf(clock: Clock, onVisible: () => void): Shelf {
  const visible = new Map<string, Message>();
  const hidden = new Map<string, Hidden>();
  let inFlight = 0;

  const remove = (messageId: string) => {
    visible.delete(messageId);
    const found = hidden.get(messageId);
    if (!found) return;
    found.cancel();
    hidden.delete(messageId);
    if (found.message.receiveCount > 0) inFlight -= 1;
  };

  const show = (message: Message) => {
    remove(message.id);
    visible.set(message.id, message);
    onVisible();
  };

  return {
    get: (messageId) => visible.get(messageId) ?? hidden.get(messageId)?.message,
    isInFlight: (messageId) => (hidden.get(messageId)?.message.receiveCount ?? 0) > 0,
    put(message) {
      const delayMs = message.visibleAt - clock.now();
      if (delayMs <= 0) return show(message);
      remove(message.id);
      hidden.set(message.id, { message, cancel: clock.after(delayMs, () => show(message)) });
      if (message.receiveCount > 0) inFlight += 1;
    },
    delete: remove,
    visible: () => visible.values(),
    counts: () => ({ visible: visible.size, inFlight, delayed: hidden.size - inFlight }),
    clear() {
      const ids = [...visible.keys(), ...hidden.keys()];
      for (const { cancel } of hidden.values()) cancel();
      visible.clear();
      hidden.clear();
      inFlight = 0;
      return ids;
    },
  };
}
