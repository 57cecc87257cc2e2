import { SessionClient } from '../../client/client.ts';
import { createEnvironment } from '../../client/environment.ts';
import { BeckonError, type Client, type ConnectOptions, type SendOptions } from '../../client/index.ts';
import { resolveOptions } from '../../client/options.ts';
import type { Clock } from '../../local/clock.ts';
import type { CloudProcess } from './cloud-process.ts';
import { createLine, type Line } from './line.ts';
import type { Record } from './record.ts';

/** What every device of a run shares. */
export interface World {
  readonly cloud: CloudProcess;
  readonly record: Record;
  /** The clock of cloud and clients. */
  readonly clock: Clock;
}

/** What a message carries: where it stands among those of its sender's session. */
export interface Payload {
  readonly session: string;
  readonly sequence: number;
  readonly padding: string;
}

export interface DeviceOptions {
  readonly user: string;
  /** Unlike that of any other device. */
  readonly name: string;
  /** How long its tokens are good for, in cloud seconds. */
  readonly tokenLifetimeSeconds: number;
  /** When it replaces a connection, in cloud milliseconds. */
  readonly maxConnectionAgeMs: number;
}

/** An app on somebody's machine, which notes what it sends and what it is given. */
export interface Device {
  readonly user: string;
  readonly name: string;
  readonly line: Line;
  /** Starts the app, or starts it again with nothing remembered. */
  start(): void;
  send(
    to: readonly string[],
    options: { readonly store: boolean; readonly echo: boolean; readonly bytes: number },
  ): void;
  cut(): void;
  goAway(): void;
  comeBack(): void;
  isConnected(): boolean;
  /** How many messages wait for an acknowledgement. */
  pending(): number;
  /** Ends the app; resolves when each message has an outcome, be it that the client was closed. */
  stop(): Promise<void>;
}

export function createDevice(options: DeviceOptions, world: World): Device {
  const { user, name } = options;
  const { record } = world;
  const line = createLine(record);
  let client: Client<Payload> | undefined;
  let session = '';
  let sessions = 0;
  let sequence = 0;
  const pending = new Map<string, Promise<void>>();

  const settle = async (id: string, sending: ReturnType<Client<Payload>['sendToUsers']>) => {
    try {
      const { status, duplicate = false } = await sending;
      record.add({ type: 'acked', id, status, duplicate });
    } catch (error) {
      if (!(error instanceof BeckonError)) throw error;
      record.add({ type: 'rejected', id, code: error.code, maybeDelivered: error.maybeDelivered });
    } finally {
      pending.delete(id);
    }
  };

  record.add({ type: 'device', device: name, user });
  return {
    user,
    name,
    line,
    start() {
      client?.close();
      sessions += 1;
      sequence = 0;
      session = `${name}.${sessions}`;
      record.add({ type: 'session', session, device: name });
      client = openClient(session, options, line, world);
    },
    send(to, { store, echo, bytes }) {
      if (!client) return;
      sequence += 1;
      const id = `${session}:${sequence}`;
      const payload = { session, sequence, padding: 'x'.repeat(bytes) };
      record.add({ type: 'sent', id, session, device: name, user, sequence, to, stored: store, echo });
      const sendOptions: SendOptions = { id, store, echo };
      const [recipient = ''] = to;
      const isOne = to.length === 1;
      const sending = isOne
        ? client.sendToUser(recipient, payload, sendOptions)
        : client.sendToUsers(to, payload, sendOptions);
      pending.set(id, settle(id, sending));
    },
    cut() {
      record.add({ type: 'cut', device: name });
      line.cut();
    },
    goAway() {
      record.add({ type: 'away', device: name });
      line.goAway();
    },
    comeBack() {
      record.add({ type: 'back', device: name });
      line.comeBack();
    },
    isConnected: () => client?.state.status === 'connected',
    pending: () => pending.size,
    async stop() {
      client?.close();
      await Promise.all(pending.values());
    },
  };
}

/** A machine computes no faster when the clock does: what waits for its answers waits at least this long, in its time. */
const MIN_WAIT_MS = { ackTimeoutMs: 4_000, livenessTimeoutMs: 4_000, connectTimeoutMs: 20_000, tokenTimeoutMs: 5_000 };

function openClient(
  session: string,
  options: DeviceOptions,
  line: Line,
  { cloud, record, clock }: World,
): Client<Payload> {
  const { name: device, user, tokenLifetimeSeconds, maxConnectionAgeMs } = options;
  const waits = Object.entries(MIN_WAIT_MS).map(([name, machineMs]) => [name, machineMs * clock.timeScale]);
  const connectOptions: ConnectOptions = {
    ...Object.fromEntries(waits),
    url: cloud.websocketUrl,
    getToken: ({ signal }) => cloud.token(user, tokenLifetimeSeconds, signal),
    webSocket: line.webSocketFor(session),
    maxConnectionAgeMs,
    maxBackoffMs: 500 * clock.timeScale,
    messageExpiryMs: 600_000 * clock.timeScale,
  };
  const client = new SessionClient<Payload, Payload>(
    {
      ...createEnvironment(connectOptions.webSocket),
      now: clock.now,
      setTimer: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs / clock.timeScale);
        return () => clearTimeout(timer);
      },
    },
    resolveOptions(connectOptions),
  );
  client.on('message', ({ id, serial, data }) => {
    const socket = line.socketOf(session, id);
    record.add({
      type: 'received',
      session,
      device,
      id,
      serial,
      sender: data.session,
      sequence: data.sequence,
      socket,
    });
  });
  client.on('gap', (detail) => record.add({ type: 'gap', session, detail }));
  client.on('state', (state) => {
    const code = 'reason' in state ? state.reason?.code : undefined;
    record.add({ type: 'state', session, status: state.status, ...(code !== undefined && { code }) });
  });
  client.on('error', ({ code }) => record.add({ type: 'error', session, code }));
  return client;
}
