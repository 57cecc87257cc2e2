import type { Loaders } from './core.ts';

/** Loads the parts of the client that no page needs to connect. No other file names them. */
export const LOADERS: Loaders = {
  calls: () => import('./calls/rooms-presence-history.ts'),
  encoding: () => import('./encoding/encoding.ts'),
  schema: () => import('./schema/schema-part.ts'),
  upkeep: () => import('./connection/upkeep.ts'),
  sending: () => import('./sending/sending-part.ts'),
  storage: () => import('./storage/storage-part.ts'),
  tabs: () => import('./tabs/tabs-part.ts'),
};
