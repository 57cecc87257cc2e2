import { type Address, userAddress } from '../../server/address.ts';
import type { PresenceState, PresenceStates } from '../../server/presence/presence-state.ts';
import type { Erasable } from './erasure.ts';

/** Presence states in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryPresenceStates(): PresenceStates & Erasable {
  const announced = new Map<Address, Map<string, PresenceState>>();
  const dues = new Map<Address, number>();
  const read = (address: Address, userId: string) => announced.get(address)?.get(userId);
  const isToCome = (address: Address, nowMs: number) => (dues.get(address) ?? Number.NEGATIVE_INFINITY) >= nowMs;
  return {
    read: async (address, userId) => read(address, userId),
    readUsers: async (userIds) => userIds.flatMap((userId) => read(userAddress(userId), userId) ?? []),
    async online(address) {
      const all = [...(announced.get(address)?.values() ?? [])];
      return all.filter(({ online }) => online).sort((a, b) => (a.userId < b.userId ? -1 : 1));
    },
    async announce(address, next, before) {
      if (read(address, next.userId)?.sinceMs !== before?.sinceMs) return false;
      announced.set(address, new Map(announced.get(address)).set(next.userId, next));
      return true;
    },
    async sweeps(addresses) {
      return new Map([...dues].filter(([address]) => addresses.includes(address)));
    },
    async setSweep(address, due, nowMs) {
      if (!isToCome(address, nowMs)) dues.set(address, due);
    },
    async takeSweep(address, due, nowMs) {
      if (isToCome(address, nowMs) && dues.get(address) !== due) return false;
      dues.delete(address);
      return true;
    },
    eraseUser(userId) {
      const address = userAddress(userId);
      return Number(announced.delete(address)) + Number(dues.delete(address));
    },
  };
}
