import type { Core } from './core.ts';

/**
 * Where a client has its core, for the stores. Registered, because each CommonJS entry point has a copy of this module: `beckon/conversation`
 * finds the core of a client of `beckon/client`.
 */
export const CORE: unique symbol = Symbol.for('beckon.core') as never;

/**
 * Returns the core of a client.
 * @throws TypeError unless `connect` has made the client.
 */
export function coreOf(where: string, client: object): Core {
  const core = (client as { readonly [CORE]?: Core } | undefined)?.[CORE];
  if (core) return core;
  throw new TypeError(`${where}: "client" must be a client that connect has made, got ${String(client)}`);
}
