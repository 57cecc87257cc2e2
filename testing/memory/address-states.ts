import type { Shown } from '../../protocol/index.ts';
import { type Address, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { AddressState, AddressStates } from '../../server/connections/address-state.ts';
import type { Erasable } from './erasure.ts';

/** Address states in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryAddressStates(now: Now): AddressStates & Erasable {
  const states = new Map<string, AddressState>();
  const shownAt = new Map<string, { readonly cursor: string; readonly shown: readonly Shown[] }>();
  const read = (address: Address) => states.get(address) ?? {};
  return {
    read: async (address) => read(address),
    async acknowledge(address, cursor) {
      const state = read(address);
      if (state.cursor === undefined || state.cursor < cursor) states.set(address, { ...state, cursor });
    },
    async keepShown(address, cursor, shown) {
      const kept = shownAt.get(address);
      if (!kept || kept.cursor <= cursor) shownAt.set(address, { cursor, shown });
    },
    readShown: async (address) => shownAt.get(address)?.shown ?? [],
    async markLate(address, serial) {
      const state = read(address);
      const earliest = state.late && state.late.serial < serial ? state.late.serial : serial;
      states.set(address, { ...state, late: { serial: earliest, markedAt: now() } });
    },
    eraseUser(userId) {
      const address = userAddress(userId);
      return Number(states.delete(address)) + Number(shownAt.delete(address));
    },
  };
}
