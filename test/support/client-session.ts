import { SessionClient } from '../../client/client.ts';
import type { ConnectOptions } from '../../client/options.ts';
import type { ConnectionState } from '../../client/state.ts';
import { ClientWorld, type FakeSocket, testOptions } from './client-world.ts';

export interface StartedClient {
  readonly world: ClientWorld;
  readonly client: SessionClient<unknown, unknown>;
  /** Every state since the start. */
  readonly states: readonly ConnectionState[];
}

/** A client that has just been made. */
export function startClient(options: Partial<ConnectOptions> = {}): StartedClient {
  const world = new ClientWorld();
  const client = new SessionClient<unknown, unknown>(world, testOptions(options));
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
