import type { Client, PresenceTarget } from '../index.ts';
import { openPresence, type PresenceState, type PresenceStore } from '../stores/presence.ts';
import { useStore } from './use-store.ts';

const LOADING: PresenceState = Object.freeze({ status: 'loading', users: new Map(), total: 0 });

/**
 * Who is online, or in a room, for as long as the component is mounted: {@link openPresence} as a hook. The target may be written inline.
 *
 * ```tsx
 * const { users, total } = usePresence(client, { room: 'lobby' });
 * ```
 * @param client `undefined`: the status is `loading`.
 * @param target `undefined`: the same.
 */
export function usePresence<Data>(
  client: Client<Data, never> | undefined,
  target: PresenceTarget | undefined,
): PresenceState {
  const open = () => client && target && openPresence(client, target);
  const [state] = useStore<PresenceState, PresenceStore>(open, client, keyOf(target), LOADING);
  return state;
}

/** The same for the same users in another order, as lists of contacts are sorted anew. */
function keyOf(target: PresenceTarget | undefined): string | undefined {
  return JSON.stringify(Array.isArray(target) ? [...target].sort() : target);
}
