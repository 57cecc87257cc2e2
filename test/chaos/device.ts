import { SessionClient } from '../../client/client.ts';
import { createEnvironment } from '../../client/environment.ts';
import { BeckonError, type Client, type ConnectOptions, type SendOptions } from '../../client/index.ts';
import { LOADERS } from '../../client/loaders.ts';
import { resolveOptions } from '../../client/options.ts';
import type { Clock } from '../../local/clock.ts';
import type { CloudProcess } from './cloud-process.ts';
import { createLine, type Line } from './line.ts';
import type { Record } from './record.ts';
import { createRoomsOfSession, type RoomsOfSession } from './rooms-of-session.ts';

/** The shared parts of all devices of a run. */
export interface World {
  readonly cloud: CloudProcess;
  readonly record: Record;
  /** The clock of cloud and clients. */
  readonly clock: Clock;
}

/** The data of a message: its sender's session and its number there. */
export interface Payload {
  readonly session: string;
  readonly sequence: number;
  readonly padding: string;
}

export interface DeviceOptions {
  readonly user: string;
  /** The unique name of the device. */
  readonly name: string;
  /** The room that its app joins at the start and never leaves, so that it must get every message there. */
  readonly home: string;
  /** The lifetime of its tokens, in cloud seconds. */
  readonly tokenLifetimeSeconds: number;
  /** The age at which it replaces a connection, in cloud milliseconds. */
  readonly maxConnectionAgeMs: number;
}

export interface Sending {
  readonly ephemeral: boolean;
  readonly echo: boolean;
  readonly bytes: number;
}

/** An app on a user's machine. It records what it sends and what it gets. */
export interface Device {
  readonly user: string;
  readonly name: string;
  readonly home: string;
  readonly line: Line;
  /** Starts or restarts the app without memory. The old app closes its client, or simply ends. */
  start(before?: 'closed' | 'gone'): void;
  /** Sends to users or to a room. */
  send(to: readonly string[] | { readonly room: string }, options: Sending): void;
  /** Joins a room: from now on, or from the last message that the session has seen there. */
  join(room: string, options?: { readonly resumes: boolean }): void;
  leave(room: string): void;
  /** The rooms that it is in. */
  rooms(): readonly string[];
  cut(): void;
  goAway(): void;
  comeBack(): void;
  isConnected(): boolean;
  /** The number of messages, joins and leaves without an answer. */
  pending(): number;
  /** Ends the app. Resolves when every call has an outcome, such as `closed`. */
  stop(): Promise<void>;
}

export function createDevice(options: DeviceOptions, world: World): Device {
  const { user, name, home } = options;
  const { record } = world;
  const line = createLine(record);
  let client: Client<Payload> | undefined;
  let rooms = createRoomsOfSession(record, '', name);
  let session = '';
  let sessions = 0;
  let sequence = 0;
  const pending = new Set<Promise<void>>();

  const wait = (outcome: Promise<void>) => {
    const settled = outcome.finally(() => pending.delete(settled));
    pending.add(settled);
  };
  const settle = async (id: string, sending: ReturnType<Client<Payload>['sendToUsers']>) => {
    try {
      const { serial, status, duplicate = false } = await sending;
      record.add({ type: 'acked', id, serial, status, duplicate });
    } catch (error) {
      if (!(error instanceof BeckonError)) throw error;
      record.add({ type: 'rejected', id, code: error.code, maybeDelivered: error.maybeDelivered });
    }
  };

  record.add({ type: 'device', device: name, user });
  return {
    user,
    name,
    home,
    line,
    start(before = 'closed') {
      if (before === 'gone') line.cut();
      client?.close();
      sessions += 1;
      sequence = 0;
      session = `${name}.${sessions}`;
      record.add({ type: 'session', session, device: name });
      rooms = createRoomsOfSession(record, session, name);
      client = openClient({ session, rooms, line }, options, world);
      wait(rooms.join(client, home, false));
    },
    send(to, { ephemeral, echo, bytes }) {
      if (!client) return;
      sequence += 1;
      const id = `${session}:${sequence}`;
      const payload = { session, sequence, padding: 'x'.repeat(bytes) };
      const recipients = 'room' in to ? { to: [], room: to.room } : { to };
      record.add({ type: 'sent', id, session, device: name, user, sequence, ...recipients, stored: !ephemeral, echo });
      wait(settle(id, sendWith(client, to, payload, { id, ephemeral, ...(!('room' in to) && { echo }) })));
    },
    join(room, { resumes } = { resumes: false }) {
      if (client) wait(rooms.join(client, room, resumes));
    },
    leave(room) {
      if (client) wait(rooms.leave(client, room));
    },
    rooms: () => rooms.names(),
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
      await Promise.all(pending);
    },
  };
}

function sendWith(
  client: Client<Payload>,
  to: readonly string[] | { readonly room: string },
  payload: Payload,
  options: SendOptions,
): ReturnType<Client<Payload>['sendToUsers']> {
  if ('room' in to) return client.sendToRoom(to.room, payload, options);
  const [recipient = ''] = to;
  return to.length === 1 ? client.sendToUser(recipient, payload, options) : client.sendToUsers(to, payload, options);
}

/** The least timeout for answers, in machine time: a fast clock does not make the machine faster. */
const MIN_WAIT_MS = { ackTimeoutMs: 4_000, livenessTimeoutMs: 5_000, connectTimeoutMs: 20_000, tokenTimeoutMs: 5_000 };

function openClient(
  { session, rooms, line }: { readonly session: string; readonly rooms: RoomsOfSession; readonly line: Line },
  options: DeviceOptions,
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
  const client = new SessionClient<Payload, Payload>(resolveOptions(connectOptions), LOADERS, {
    ...createEnvironment(connectOptions.webSocket),
    now: clock.now,
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs / clock.timeScale);
      return () => clearTimeout(timer);
    },
  });
  client.on('message', ({ id, serial, to, data }) => {
    const socket = line.socketOf(session, id);
    const membership = 'room' in to ? { membership: rooms.onMessage(to.room, serial) } : {};
    record.add({
      type: 'received',
      session,
      device,
      id,
      serial,
      sender: data.session,
      sequence: data.sequence,
      ...membership,
      socket,
    });
  });
  client.on('gap', (detail) => record.add({ type: 'gap', session, detail }));
  client.on('left', (detail) => record.add({ type: 'gap', session, detail }));
  client.on('state', (state) => {
    const code = 'reason' in state ? state.reason?.code : undefined;
    record.add({ type: 'state', session, status: state.status, ...(code !== undefined && { code }) });
  });
  client.on('error', ({ code }) => record.add({ type: 'error', session, code }));
  return client;
}
