import type { Gap } from '../../client/api.ts';
import { SessionClient } from '../../client/client.ts';
import type { ConnectOptions } from '../../client/options.ts';
import type { ConnectionState } from '../../client/state.ts';
import { serialFloor } from '../../server/serial.ts';
import { ClientWorld, type FakeSocket, settle, testOptions } from './client-world.ts';

export interface StartedClient {
  readonly world: ClientWorld;
  readonly client: SessionClient<unknown, unknown>;
  /** Every state since the start. */
  readonly states: readonly ConnectionState[];
}

/** A client that has just been made. */
export function startClient(options: Partial<ConnectOptions> = {}): StartedClient {
  const world = new ClientWorld();
  const client = new SessionClient<unknown, unknown>(testOptions(options), world.loaders, world);
  const states: ConnectionState[] = [];
  client.on('state', (state) => states.push(state));
  return { world, client, states };
}

/** A client whose first connection is registered. */
export async function connectClient(
  options: Partial<ConnectOptions> = {},
): Promise<StartedClient & { readonly socket: FakeSocket }> {
  const started = startClient(options);
  return { ...started, socket: await started.world.accept() };
}

/** A token whose only readable claim is when it expires, epoch milliseconds. */
export function tokenUntil(expiresAtMs: number): string {
  return `e30.${btoa(JSON.stringify({ exp: expiresAtMs / 1000 })).replaceAll('=', '')}.x`;
}

/** Lets the wait that the state tells of pass. Resolves with its length in milliseconds. */
export async function nextAttempt({ world, client }: Pick<StartedClient, 'world' | 'client'>): Promise<number> {
  const { state } = client;
  if (!('retryAtMs' in state) || state.retryAtMs === undefined) throw new Error(`no attempt is due: ${state.status}`);
  const waitMs = state.retryAtMs - world.now();
  await world.advance(waitMs);
  return waitMs;
}

/** The data of the messages in the last `sendMessage`. */
export function dataOf(socket: FakeSocket): unknown[] {
  const { messages } = socket.last('sendMessage') as unknown as { readonly messages: readonly { data: unknown }[] };
  return messages.map(({ data }) => data);
}

export interface ListeningClient extends StartedClient {
  /** The ids of the messages that were handed on. */
  readonly ids: readonly string[];
  readonly gaps: readonly Gap[];
}

/** A client that has just been made, and is listened to. */
export function startListening(options: Partial<ConnectOptions> = {}): ListeningClient {
  const started = startClient(options);
  const ids: string[] = [];
  const gaps: Gap[] = [];
  started.client.on('message', ({ id }) => ids.push(id));
  started.client.on('gap', (gap) => gaps.push(gap));
  return { ...started, ids, gaps };
}

/** A client whose first resume is complete, at the server's moment 1,000. */
export async function resumedClient(
  options: Partial<ConnectOptions> = {},
): Promise<ListeningClient & { readonly socket: FakeSocket }> {
  const started = startListening(options);
  const socket = await openNext(started.world);
  socket.page([], { cursor: serialFloor(1_000) });
  await settle();
  return { ...started, socket };
}

/** Opens the newest socket, which then asks to be registered. */
export async function openNext(world: ClientWorld): Promise<FakeSocket> {
  await settle();
  world.socket.open();
  await settle();
  return world.socket;
}

/** Breaks the newest connection, and opens the one that the client returns with. */
export async function returnedSocket(world: ClientWorld): Promise<FakeSocket> {
  const { length } = world.sockets;
  world.socket.end();
  while (world.sockets.length === length) await world.advance(100);
  return openNext(world);
}

/** Breaks the newest connection, and gives from where the next one resumes. */
export async function nextSince(world: ClientWorld): Promise<unknown> {
  return (await returnedSocket(world)).last('register')['since'];
}
