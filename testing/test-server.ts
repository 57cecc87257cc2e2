import type {
  Client,
  ConnectOptions,
  Payload,
  ReceivedMessage,
  Sendable,
  WebSocketConstructor,
} from '../client/index.ts';
import { connectPreloaded } from '../client/preloaded.ts';
import { type Carried, type Data, type ErrorCode, isUserId, NAME_RULE } from '../protocol/index.ts';
import type { Logger } from '../server/logger.ts';
import type { ManageResult } from '../server/operations/manage.ts';
import type { ManageEvent } from '../server/operations/manage-event.ts';
import { createSenderOver, type Sender } from '../server/sender.ts';
import { DEFAULT_SERVICE } from '../server/sending/service-batch.ts';
import { createBackend } from './backend.ts';
import { createGateway } from './gateway.ts';
import { createHolds, type Hold, type HoldOptions } from './holds.ts';
import { createNetwork } from './network.ts';
import type { InstallationOptions, TokenOptions } from './options.ts';
import { createRefusals, type Refusable, type RefusalOptions } from './refusals.ts';
import { reportError } from './report.ts';
import { createTimers, RUNTIME, type Runtime } from './runtime.ts';

export interface TestServerOptions extends InstallationOptions {
  /**
   * How long each frame takes in either direction, in milliseconds, or a function that says so for each. Default: 0, and
   * then a frame takes no timer.
   */
  readonly latencyMs?: number | (() => number);
}

/** The options of a client, and of its tokens. */
export interface TestClientOptions extends Partial<ConnectOptions>, TokenOptions {}

/**
 * A server in memory. Its clients are the real ones, and so is what it does with their frames; the stores are in memory, and
 * the sockets within the process.
 */
export interface TestServer {
  /** Where its clients connect to. Nothing listens there. */
  readonly url: string;
  /** A WebSocket that connects to the server, whatever its URL: for `connect`, or in place of `globalThis.WebSocket`. */
  readonly webSocket: WebSocketConstructor;

  /**
   * Connects a user. Each call is another device.
   *
   * ```ts
   * const alice = server.client('alice');
   * const guest = server.client('guest', { capability: { 'room:lobby': ['join'] } });
   * ```
   * @throws TypeError as `connect` does
   */
  client<Incoming extends Carried<Incoming> = Payload, Outgoing = Sendable<Incoming>>(
    user: string,
    options?: TestClientOptions,
  ): Client<Incoming, Outgoing>;

  /**
   * The options with which an application connects itself as a user.
   *
   * ```ts
   * const client = connect(server.connectOptions('alice'));
   * ```
   */
  connectOptions(user: string, options?: TestClientOptions): ConnectOptions;

  /** Mints a token of a user, for a `getToken` of your own. */
  token(user: string, options?: TokenOptions): string;

  /**
   * Sends as a service, as `createSender` does in a Lambda.
   *
   * ```ts
   * await server.sender('billing').sendToUser('bob', { invoice: 17 });
   * ```
   * @param service The name that recipients see. Default: `server`.
   * @throws TypeError for a wrong name
   */
  sender<Outgoing extends Carried<Outgoing> = Data>(service?: string): Sender<Outgoing>;

  /** Every message that the server has accepted so far, from users and services, each once. */
  readonly sent: readonly ReceivedMessage[];

  /** The users who have a connection. */
  readonly connected: readonly string[];

  /**
   * Takes a user's network away: their connections break off, and attempts to connect have no answer until `reconnect`.
   * @param user Default: everybody.
   */
  disconnect(user?: string): void;

  /**
   * Gives the network back.
   * @param user Default: everybody.
   */
  reconnect(user?: string): void;

  /**
   * Refuses the next frame of an action, or the next handshake: `connect`. Several calls refuse several frames.
   *
   * ```ts
   * server.refuseNext('sendMessage', 'rate_limited', { retryAfterMs: 500 });
   * server.refuseNext('connect', 'unauthorized', { user: 'bob' });
   * ```
   */
  refuseNext(action: Refusable, code: ErrorCode, options?: RefusalOptions): void;

  /**
   * Holds frames on their way until they are released, to see what happens in between.
   *
   * ```ts
   * const acks = server.hold({ user: 'alice', frame: 'ack' });
   * await acks.caught();
   * acks.release();
   * ```
   * @param options Which frames. Default: all.
   */
  hold(options?: HoldOptions): Hold;

  /** Changes how long each frame takes from now on: see {@link TestServerOptions.latencyMs}. */
  setLatency(latencyMs: number | (() => number)): void;

  /**
   * Loses every message that is kept, as if the retention were over: devices that were away get the event `gap` instead, and
   * history is empty.
   */
  loseMessages(): void;

  /**
   * Does what operators do with the command `beckon`: `disconnect`, `revoke`, `block` …
   *
   * ```ts
   * await server.manage({ revoke: { user: 'bob' } });
   * ```
   * @throws Error that says what is wrong with the event
   */
  manage(event: ManageEvent): Promise<ManageResult>;

  /** Deletes what the server keeps of a user, and closes their connections, as `beckon forget` does. */
  forget(user: string): Promise<void>;

  /** Closes every client that it has made, every connection and every timer. Also with `using`. */
  close(): void;
  [Symbol.dispose](): void;
}

/** Test clients come back at once: who waits for a network need not wait for a second more. */
const BACKOFF_MS = 1;

let servers = 0;

/** @throws TypeError when the value is not a duration */
function latencyOf(value: number | (() => number) = 0): () => number {
  if (typeof value === 'function') return value;
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return () => value;
  throw new TypeError(`latencyMs must be a number of milliseconds from 0 up, or a function, got ${String(value)}`);
}

/**
 * Makes a server in memory, for tests of applications.
 *
 * ```ts
 * const server = createTestServer();
 * const alice = server.client('alice');
 * const bob = server.client('bob');
 * bob.on('message', ({ from, data }) => console.log(from, data));
 * await alice.sendToUser('bob', { text: 'hi' });
 * server.close();
 * ```
 * @throws TypeError for a wrong option
 */
export function createTestServer(options: TestServerOptions = {}): TestServer {
  return createTestServerOn(RUNTIME, options);
}

/** Makes a test server whose time and chance come from elsewhere. */
export function createTestServerOn(
  runtime: Runtime,
  { latencyMs, ...installation }: TestServerOptions = {},
): TestServer {
  const timers = createTimers(runtime);
  const paced = { ...runtime, setTimer: timers.setTimer };
  let latency = latencyOf(latencyMs);
  const holds = createHolds();
  const refusals = createRefusals();
  const network = createNetwork();
  const gateway = createGateway({ pipes: { ...paced, latencyMs: () => latency() }, holds, network, refusals });
  const { poster, webSocket } = gateway;
  // Stores in memory do not fail: a failure is a fault, and must not look like a refused frame.
  const log: Logger = ({ route, error }) => {
    if (error)
      reportError(Object.assign(new Error(`beckon/testing, ${route}: ${error.message}`), { stack: error.stack }));
  };
  const backend = createBackend(installation, { runtime: paced, poster, log });
  gateway.start(backend);
  servers += 1;
  const url = `wss://server-${servers}.beckon.test`;
  const clients = new Set<Client<never, never>>();

  const connectOptions: TestServer['connectOptions'] = (user, { capability, expiresInSeconds, ...given } = {}) => {
    const token = { ...(capability && { capability }), ...(expiresInSeconds !== undefined && { expiresInSeconds }) };
    const name = requireName('user', user);
    const getToken = () => backend.tokens.mint(name, token);
    // Compression takes real time, which fake timers do not pass.
    return { url, webSocket, getToken, compress: false, minBackoffMs: BACKOFF_MS, ...given };
  };
  const manage: TestServer['manage'] = (event) => backend.manage(event, { awsRequestId: 'manage' });
  const close = () => {
    for (const client of clients) client.close();
    gateway.breakOff();
    timers.close();
  };

  return {
    url,
    webSocket,
    sent: backend.sent,
    connectOptions,
    manage,
    close,
    // Not every runtime that a test runner makes has the symbol.
    ...({ [Symbol.dispose ?? 'dispose']: close } as Pick<TestServer, typeof Symbol.dispose>),
    get connected() {
      return gateway.users;
    },
    client<Incoming extends Carried<Incoming> = Payload, Outgoing = Sendable<Incoming>>(
      user: string,
      clientOptions: TestClientOptions = {},
    ) {
      const client = connectPreloaded<Incoming, Outgoing>(connectOptions(user, clientOptions));
      clients.add(client as Client<never, never>);
      return client;
    },
    token: (user, tokenOptions) => backend.tokens.mint(requireName('user', user), tokenOptions),
    sender: (service = DEFAULT_SERVICE) =>
      createSenderOver({
        composeSend: backend.serviceSend,
        inboxes: backend.inboxes,
        service: requireName('service', service),
      }),
    disconnect(user) {
      network.cut(user);
      gateway.breakOff(user);
    },
    reconnect: network.restore,
    refuseNext: (action, code, more) => refusals.add({ action, code, ...more }),
    hold: holds.add,
    setLatency(value) {
      latency = latencyOf(value);
    },
    loseMessages: backend.loseMessages,
    async forget(user) {
      for (let isDone = false; !isDone; ) ({ done: isDone } = await manage({ forget: { user } }));
    },
  };
}

/** @throws TypeError when it cannot be the id of a user, or the name of a service */
function requireName(what: string, name: string): string {
  if (isUserId(name)) return name;
  throw new TypeError(`${what} must be a name: at most 256 ${NAME_RULE}; got ${JSON.stringify(name)}`);
}
