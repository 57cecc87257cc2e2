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

/** Creates a client in a {@link ClientWorld}. */
export function startClient(options: Partial<ConnectOptions> = {}): StartedClient {
  const world = new ClientWorld();
  const client = new SessionClient<unknown, unknown>(testOptions(options), world.loaders, world);
  const states: ConnectionState[] = [];
  client.on('state', (state) => states.push(state));
  return { world, client, states };
}

/** Creates a client and registers its first connection. */
export async function connectClient(
  options: Partial<ConnectOptions> = {},
): Promise<StartedClient & { readonly socket: FakeSocket }> {
  const started = startClient(options);
  return { ...started, socket: await started.world.accept() };
}

/** Makes a token whose only readable claim is its expiry (epoch milliseconds). */
export function tokenUntil(expiresAtMs: number): string {
  return `e30.${btoa(JSON.stringify({ exp: expiresAtMs / 1000 })).replaceAll('=', '')}.x`;
}

/** Waits for the next attempt that the state announces. Resolves with the wait in milliseconds. */
export async function nextAttempt({ world, client }: Pick<StartedClient, 'world' | 'client'>): Promise<number> {
  const { state } = client;
  if (!('retryAtMs' in state) || state.retryAtMs === undefined)
    throw new Error(`the client plans no attempt; its status is ${state.status}`);
  const waitMs = state.retryAtMs - world.now();
  await world.advance(waitMs);
  return waitMs;
}

/** Returns the data of the messages in the last `sendMessage`. */
export function dataOf(socket: FakeSocket): unknown[] {
  const { messages } = socket.last('sendMessage') as unknown as { readonly messages: readonly { data: unknown }[] };
  return messages.map(({ data }) => data);
}

export interface ListeningClient extends StartedClient {
  /** The ids of the messages that the client handed on. */
  readonly ids: readonly string[];
  readonly gaps: readonly Gap[];
}

/** Creates a client, and records the messages that it hands on. */
export function startListening(options: Partial<ConnectOptions> = {}): ListeningClient {
  const started = startClient(options);
  const ids: string[] = [];
  const gaps: Gap[] = [];
  started.client.on('message', ({ id }) => ids.push(id));
  started.client.on('gap', (gap) => gaps.push(gap));
  return { ...started, ids, gaps };
}

/** Creates a client and completes its first resume, at the server's time 1,000. */
export async function resumedClient(
  options: Partial<ConnectOptions> = {},
): Promise<ListeningClient & { readonly socket: FakeSocket }> {
  const started = startListening(options);
  const socket = await openNext(started.world);
  socket.page([], { cursor: serialFloor(1_000) });
  await settle();
  return { ...started, socket };
}

/** Opens the newest socket. The client then sends `register`. */
export async function openNext(world: ClientWorld): Promise<FakeSocket> {
  await settle();
  world.socket.open();
  await settle();
  return world.socket;
}

/** Breaks the newest connection, and opens the client's next one. */
export async function returnedSocket(world: ClientWorld): Promise<FakeSocket> {
  const { length } = world.sockets;
  world.socket.end();
  while (world.sockets.length === length) await world.advance(100);
  return openNext(world);
}

/** Breaks the newest connection, and returns the cursor from which the next one resumes. */
export async function nextSince(world: ClientWorld): Promise<unknown> {
  return (await returnedSocket(world)).last('register')['cursor'];
}
