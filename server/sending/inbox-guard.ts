import { jsonByteLength, type Message, type MessageSource } from '../../protocol/index.ts';
import { type Address, isRoom, userAddress, userIdOf } from '../address.ts';
import type { AddressStates } from '../connections/address-state.ts';
import { serialFloor } from '../serial.ts';
import type { Inboxes, InboxKey, Load } from './inboxes.ts';

/** Keeps out of an inbox what its user does not accept. Messages to rooms, from services and to oneself always pass. */
export interface InboxGuard {
  /** Whether the user of the address has blocked the sender. */
  isBlocked(address: Address, from: MessageSource): Promise<boolean>;

  /**
   * Counts messages that the sender leaves in an inbox that nobody reads.
   * @returns how many of them, from the first on, have space
   */
  take(address: Address, from: MessageSource, messages: readonly Message[]): Promise<number>;
}

const EMPTY: Load = { messages: 0, bytes: 0 };

/** A cursor before all messages, for users who have acknowledged nothing yet. */
const NOTHING_ACKNOWLEDGED = serialFloor(0);

export function createInboxGuard(dependencies: {
  inboxes: Pick<Inboxes, 'isBlocked' | 'take'>;
  states: Pick<AddressStates, 'read'>;
  /** What one user may leave in an inbox that nobody reads. */
  limit: Load;
}): InboxGuard {
  const { inboxes, states, limit: most } = dependencies;

  return {
    async isBlocked(address, from) {
      const key = keyOf(address, from);
      return key !== undefined && inboxes.isBlocked(key);
    },

    async take(address, from, messages) {
      const key = keyOf(address, from);
      if (!key || messages.length === 0) return messages.length;
      const loads = messages.map((message) => ({ messages: 1, bytes: jsonByteLength(message) }));
      const { cursor = NOTHING_ACKNOWLEDGED } = await states.read(address);
      // The count of an inbox only grows, so each attempt takes fewer. Usually the first one succeeds.
      for (let counted: Load | undefined = EMPTY; ; ) {
        const fitting = prefix(loads, counted, most);
        if (fitting.length === 0) return 0;
        counted = await inboxes.take(key, fitting.reduce(sum), { most, cursor });
        if (!counted) return fitting.length;
      }
    },
  };
}

/** `undefined`: the message always passes. */
function keyOf(address: Address, from: MessageSource): InboxKey | undefined {
  if (isRoom(address) || !('user' in from) || address === userAddress(from.user)) return undefined;
  return { recipient: userIdOf(address), sender: from.user };
}

/** As many of the first loads as fit beside what is there. */
function prefix(loads: readonly Load[], there: Load, most: Load): readonly Load[] {
  let total = there;
  const end = loads.findIndex((load) => {
    total = sum(total, load);
    return total.messages > most.messages || total.bytes > most.bytes;
  });
  return end === -1 ? loads : loads.slice(0, end);
}

function sum(a: Load, b: Load): Load {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
}
