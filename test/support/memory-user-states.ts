import type { Now } from '../../server/clock.ts';
import type { UserState, UserStates } from '../../server/user-state.ts';

/** The users' states in memory, held to the same contract as those on DynamoDB. */
export function createMemoryUserStates(now: Now): UserStates {
  const states = new Map<string, UserState>();
  const read = (userId: string) => states.get(userId) ?? {};
  return {
    read: async (userId) => read(userId),
    async acknowledge(userId, cursor) {
      const state = read(userId);
      if (state.cursor === undefined || state.cursor < cursor) states.set(userId, { ...state, cursor });
    },
    async markLate(userId, serial) {
      const state = read(userId);
      const earliest = state.late && state.late.serial < serial ? state.late.serial : serial;
      states.set(userId, { ...state, late: { serial: earliest, markedAt: now() } });
    },
  };
}
