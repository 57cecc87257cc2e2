import type { Carried } from '../protocol/index.ts';
import type { Client, Payload, Sendable } from './api.ts';
import * as calls from './calls/rooms-presence-history.ts';
import { SessionClient } from './client.ts';
import * as upkeep from './connection/upkeep.ts';
import type { Loaders } from './core.ts';
import * as encoding from './encoding/encoding.ts';
import { type ConnectOptions, resolveOptions } from './options.ts';
import * as schema from './schema/schema-part.ts';
import * as sending from './sending/sending-part.ts';
import * as storage from './storage/storage-part.ts';
import * as tabs from './tabs/tabs-part.ts';

const LOADED: Loaders = {
  calls: async () => calls,
  encoding: async () => encoding,
  schema: async () => schema,
  upkeep: async () => upkeep,
  sending: async () => sending,
  storage: async () => storage,
  tabs: async () => tabs,
};

/** Connects as `connect` does. No call waits for a part of the client to load: fake timers do not pass that time. */
export function connectPreloaded<Incoming extends Carried<Incoming> = Payload, Outgoing = Sendable<Incoming>>(
  options: ConnectOptions,
): Client<Incoming, Outgoing> {
  return new SessionClient<Incoming, Outgoing>(resolveOptions(options), LOADED);
}
