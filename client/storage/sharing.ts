import type { Channel, Environment, Locks } from '../environment.ts';

/** What lets pages of one origin share something. */
export type Sharing = Pick<Environment, 'locks' | 'openChannel'>;

interface Globals {
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
}

/** What the environment brings. If it does not say, what the runtime has. */
export function sharingOf(environment: Sharing): Sharing {
  if ('locks' in environment) return environment;
  const globals: Globals = globalThis as object;
  const { BroadcastChannel } = globals;
  return {
    locks: probe(() => globals.navigator?.locks),
    openChannel: BroadcastChannel && ((name) => probe(() => new BroadcastChannel(name))),
  };
}

/** Where a page may not store anything, some properties of browsers throw: the client then goes without them. */
function probe<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
