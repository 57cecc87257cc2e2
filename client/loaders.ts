import type { Loaders } from './core.ts';

/** Loads the parts of the client that most pages do not need at first. No other file names them. */
export const LOADERS: Loaders = {
  calls: () => import('./calls/rooms-presence-history.ts'),
  encoding: () => import('./encoding/encoding.ts'),
  storage: () => import('./storage/storage-part.ts'),
  tabs: () => import('./tabs/tabs-part.ts'),
};
