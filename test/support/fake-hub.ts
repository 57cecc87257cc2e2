import type { WebSocket } from 'ws';
import {
  type BlockFrame,
  type ClientFrame,
  type ConversationSummary,
  DEFAULT_LIMITS,
  DEFAULT_PAGE_MESSAGES,
  type DeliveryStatus,
  type HistoryFrame,
  type JoinFrame,
  type Markers,
  type MarkFrame,
  type Message,
  type MessageFailure,
  type MessageInput,
  OVERLAP_MS,
  type Peer,
  type Presence,
  type PresenceFrame,
  type PresenceReply,
  problem,
  type RegisterFrame,
  type SendResult,
  type ServerFrame,
} from '../../protocol/index.ts';
import { serialFloor, serialTime } from '../../server/serial.ts';
import type { FakeServerOptions } from './fake-server.ts';

interface Page {
  readonly messages: readonly Message[];
  readonly more: boolean;
}

/** The state of the fake server: connections, messages, rooms, presence and markers, in memory. */
export class FakeHub {
  readonly users = new Map<string, Set<WebSocket>>();
  readonly frames: ClientFrame[] = [];
  readonly #options: FakeServerOptions;
  readonly #owners = new Map<WebSocket, string>();
  /** The messages of each address: `user#bob`, `room#lobby`. */
  readonly #logs = new Map<string, Message[]>();
  readonly #rooms = new Map<string, Set<WebSocket>>();
  /** The watchers of each address. */
  readonly #watchers = new Map<string, Set<WebSocket>>();
  /** The presence that watchers were last told, by address and user. */
  readonly #presences = new Map<string, Presence>();
  readonly #blocked = new Map<string, Set<string>>();
  readonly #markers = new Map<string, Markers>();
  #connections = 0;
  #lastMs = 0;

  constructor(options: FakeServerOptions) {
    this.#options = options;
  }

  connect(user: string, socket: WebSocket): void {
    this.#owners.set(socket, user);
    socket.on('close', () => this.#disconnect(user, socket));
    socket.on('message', (data) => this.#onFrame(user, socket, JSON.parse(String(data)) as ClientFrame));
    entryOf(this.users, user).add(socket);
    this.#announce(`user#${user}`, undefined, user);
  }

  #disconnect(user: string, socket: WebSocket): void {
    for (const sockets of [...this.#rooms.values(), ...this.#watchers.values()]) sockets.delete(socket);
    this.users.get(user)?.delete(socket);
    this.#announce(`user#${user}`, undefined, user);
  }

  #onFrame(user: string, socket: WebSocket, frame: ClientFrame): void {
    this.frames.push(frame);
    const treatment = this.#options.treat?.(frame, socket) ?? 'answer';
    if (treatment === 'ignore') return;
    const reply = this.#work(user, socket, frame);
    if (treatment === 'answer') send(socket, { ...reply, id: frame.id ?? '' } as ServerFrame);
  }

  #work(user: string, socket: WebSocket, frame: ClientFrame): ServerFrame {
    switch (frame.action) {
      case 'ping':
        return { type: 'pong', serverTime: Date.now(), ...this.#missed(`user#${user}`, frame.cursor) };
      case 'register':
        return this.#register(user, frame);
      case 'join':
        return this.#join(user, socket, frame);
      case 'leave':
        this.#rooms.get(frame.room)?.delete(socket);
        this.#announce(`room#${frame.room}`, frame.room, user);
        return { type: 'left', room: frame.room };
      case 'presence':
        return this.#presence(socket, frame);
      case 'history':
        return this.#history(user, frame);
      case 'search':
        return {
          type: 'search',
          conversation: frame.conversation,
          messages: this.#said(user, frame.conversation)
            .filter(({ data }) => JSON.stringify(data).includes(frame.text))
            .reverse(),
        };
      case 'unread':
        return frame.conversations
          ? { type: 'unread', conversations: frame.conversations.map((one) => this.#unread(user, one)) }
          : { type: 'unread', conversations: [], total: this.#totalUnread(user) };
      case 'conversations':
        return { type: 'conversations', conversations: this.#conversations(user) };
      case 'block':
        return this.#block(user, frame);
      case 'mark':
        return this.#mark(user, socket, frame);
      case 'sendMessage': {
        const messages = 'messages' in frame ? (frame.messages as MessageInput[]) : [frame];
        return { type: 'ack', results: messages.map((message) => this.#offer(user, socket, message)) };
      }
      default:
        return { type: 'error', ...problem('unknown_action') };
    }
  }

  #register(userId: string, { cursor, after }: RegisterFrame): ServerFrame {
    if (after === undefined) this.#connections += 1;
    const serverTime = Date.now();
    return {
      type: 'registered',
      userId,
      connectionId: `connection-${this.#connections}`,
      serverTime,
      recovered: true,
      ...this.#read(`user#${userId}`, after ?? overlapBefore(cursor ?? serialFloor(0))),
      cursor: serialFloor(serverTime),
      expiresAt: serverTime + 660_000,
      limits: { ...DEFAULT_LIMITS, ...this.#options.limits },
    };
  }

  #join(user: string, socket: WebSocket, { room, cursor, after }: JoinFrame): ServerFrame {
    const serverTime = Date.now();
    const from = after ?? (cursor && overlapBefore(cursor));
    entryOf(this.#rooms, room).add(socket);
    if (after === undefined) this.#announce(`room#${room}`, room, user);
    return {
      type: 'joined',
      room,
      serverTime,
      recovered: true,
      ...(from === undefined ? NOTHING : this.#read(`room#${room}`, from)),
      cursor: serialFloor(serverTime),
    };
  }

  #missed(address: string, cursor: string | undefined): Page {
    return cursor === undefined ? NOTHING : this.#read(address, overlapBefore(cursor));
  }

  #read(address: string, after: string): Page {
    const missed = this.#log(address).filter(({ serial }) => serial > after);
    const messages = missed.slice(0, this.#options.pageMessages ?? 100);
    return { messages, more: messages.length < missed.length };
  }

  #log(address: string): Message[] {
    const log = this.#logs.get(address) ?? [];
    this.#logs.set(address, log);
    return log;
  }

  #offer(from: string, socket: WebSocket, input: MessageInput): SendResult | MessageFailure {
    const { id = '', to } = input;
    const isBlocked = 'user' in to && this.#blocked.get(to.user)?.has(from);
    return isBlocked ? { id, error: problem('not_accepted') } : this.#deliver(from, socket, input);
  }

  #deliver(from: string, socket: WebSocket, input: MessageInput): SendResult {
    const { to, data, encoding, receipt, id = '' } = input;
    // Each message gets a millisecond of its own, so serials sort.
    this.#lastMs = Math.max(this.#lastMs + 1, Date.now());
    const serial = serialFloor(this.#lastMs);
    const content = { data, ...(encoding !== undefined && { encoding }), ...(receipt && { receipt }) };
    const message = { id, serial, from: { user: from }, to, ...content, sentAt: Date.now() };
    if ('room' in to) return this.#deliverToRoom(to.room, socket, message, input);
    const recipients = 'users' in to ? to.users : [to.user];
    const others = (user: string) => [...(this.users.get(user) ?? [])].filter((device) => device !== socket);
    if (input.echo !== false && !recipients.includes(from))
      this.#deliverTo(`user#${from}`, others(from), message, input);
    const users = recipients.map((user) => {
      const devices = others(user);
      return { user, ...this.#deliverTo(`user#${user}`, devices, { ...message, to: { user } }, input) };
    });
    return {
      id,
      serial,
      status: WORST_FIRST.find((worst) => users.some(({ status }) => status === worst)) ?? 'sent',
      connections: { sent: users.reduce((sum, { devices }) => sum + devices, 0), gone: 0, failed: 0 },
      users: users.map(({ user, status }) => ({ user, status })),
      ...(users.some(({ duplicate }) => duplicate) && { duplicate: true as const }),
    };
  }

  #deliverToRoom(room: string, own: WebSocket, message: Message, input: MessageInput): SendResult {
    const devices = [...(this.#rooms.get(room) ?? [])].filter((device) => device !== own);
    const { status, devices: sent, duplicate } = this.#deliverTo(`room#${room}`, devices, message, input);
    const { id, serial } = message;
    const connections = { sent, gone: 0, failed: 0 };
    return { id, serial, status, connections, users: [], ...(duplicate && { duplicate }) };
  }

  #deliverTo(address: string, devices: readonly WebSocket[], sent: Message, input: MessageInput) {
    const { ephemeral = false, retry = false } = input;
    const log = this.#log(address);
    const first = retry ? log.find((kept) => kept.id === sent.id) : undefined;
    const message = first ?? sent;
    if (!ephemeral && !first) log.push(message);
    for (const device of devices) send(device, { type: 'messages', messages: [message] });
    const status: DeliveryStatus = devices.length > 0 ? 'sent' : ephemeral ? 'dropped' : 'stored';
    return { status, devices: devices.length, duplicate: first !== undefined };
  }

  #presence(socket: WebSocket, frame: PresenceFrame): PresenceReply {
    const addresses = 'room' in frame ? [`room#${frame.room}`] : frame.users.map((user) => `user#${user}`);
    for (const address of addresses) {
      if (frame.watch === true) entryOf(this.#watchers, address).add(socket);
      if (frame.watch === false) this.#watchers.get(address)?.delete(socket);
    }
    if (!('room' in frame)) {
      const users = frame.users.map((user) => this.#presenceOf(`user#${user}`, user, this.users.get(user)));
      return { type: 'presence', users };
    }
    const { room } = frame;
    const members = [...(this.#rooms.get(room) ?? [])];
    const users = [...new Set(members.map((member) => this.#owners.get(member) ?? ''))];
    return {
      type: 'presence',
      room,
      users: users.map((user) => this.#presenceOf(`room#${room}`, user, members)),
      occupancy: { users: users.length, connections: members.length },
    };
  }

  #announce(address: string, room: string | undefined, user: string): void {
    const inRoom = room === undefined ? undefined : this.#rooms.get(room);
    const there = [...(this.users.get(user) ?? [])].filter((device) => !inRoom || inRoom.has(device));
    const users = [this.#presenceOf(address, user, there)];
    for (const watcher of this.#watchers.get(address) ?? [])
      send(watcher, { type: 'presence', ...(room !== undefined && { room }), users });
  }

  #presenceOf(address: string, user: string, devices: Iterable<WebSocket> = []): Presence {
    const key = `${address} ${user}`;
    const online = [...devices].length > 0;
    const known = this.#presences.get(key);
    if (known?.online === online) return known;
    this.#lastMs = Math.max(this.#lastMs + 1, Date.now());
    const presence = { user, online, sinceMs: this.#lastMs };
    this.#presences.set(key, presence);
    return presence;
  }

  #said(user: string, conversation: Peer): readonly Message[] {
    if ('room' in conversation) return this.#log(`room#${conversation.room}`);
    if ('service' in conversation) {
      const { service } = conversation;
      return this.#log(`user#${user}`).filter(({ from }) => 'service' in from && from.service === service);
    }
    const between = (from: string, to: string) =>
      this.#log(`user#${to}`).filter((message) => 'user' in message.from && message.from.user === from);
    const both = [...between(user, conversation.user), ...between(conversation.user, user)];
    return both.sort((one, other) => (one.serial < other.serial ? -1 : 1));
  }

  #history(user: string, { conversation, before, after, limit = DEFAULT_PAGE_MESSAGES }: HistoryFrame): ServerFrame {
    const all = this.#said(user, conversation).filter(
      ({ serial }) => (before === undefined || serial < before) && (after === undefined || serial > after),
    );
    const messages = after === undefined ? all.slice(-limit) : all.slice(0, limit);
    const next = after === undefined ? messages[0]?.serial : messages.at(-1)?.serial;
    const { read } = this.#markersOf(user, conversation);
    const peer = 'user' in conversation ? this.#markersOf(conversation.user, { user }) : undefined;
    return {
      type: 'history',
      conversation,
      messages,
      ...(next !== undefined && messages.length < all.length && { next }),
      ...(read !== undefined && { read }),
      ...(peer && { peer }),
    };
  }

  #unread(user: string, conversation: Peer) {
    const { read = '' } = this.#markersOf(user, conversation);
    const unread = this.#said(user, conversation).filter(
      ({ serial, from }) => serial > read && !('user' in from && from.user === user),
    );
    return { conversation, count: unread.length, more: false, ...(read && { read }) };
  }

  #totalUnread(user: string) {
    const count = this.#conversations(user).reduce((sum, { unread }) => sum + unread.count, 0);
    return { count, more: false };
  }

  /** The conversations with other users, all on one page. */
  #conversations(user: string): readonly ConversationSummary[] {
    const received = this.#log(`user#${user}`).flatMap(({ from }) => ('user' in from ? from.user : []));
    const sent = [...this.#logs]
      .filter(([, log]) => log.some(({ from }) => 'user' in from && from.user === user))
      .flatMap(([address]) => (address.startsWith('user#') ? address.slice('user#'.length) : []));
    const peers = [...new Set([...received, ...sent])].filter((peer) => peer !== user);
    const listed = peers.map((peer) => {
      const { conversation, count, more, ...read } = this.#unread(user, { user: peer });
      const last = this.#said(user, conversation).at(-1);
      return { conversation, unread: { count, more }, ...read, ...(last && { last }) };
    });
    return listed.sort((one, other) => ((one.last?.serial ?? '') < (other.last?.serial ?? '') ? 1 : -1));
  }

  #mark(user: string, own: WebSocket, { marks }: MarkFrame): ServerFrame {
    for (const { conversation, ...markers } of marks) {
      const known = this.#markersOf(user, conversation);
      this.#markers.set(keyOf(user, conversation), { ...known, ...(markers as Markers) });
      for (const device of this.users.get(user) ?? []) {
        if (device !== own && markers.read !== undefined)
          send(device, { type: 'marker', conversation, ...markers } as ServerFrame);
      }
      if (!('user' in conversation)) continue;
      for (const device of this.users.get(conversation.user) ?? [])
        send(device, { type: 'receipt', from: { user }, ...markers } as ServerFrame);
    }
    return { type: 'marked' };
  }

  #block(owner: string, frame: BlockFrame): ServerFrame {
    const names = this.#blocked.get(owner) ?? new Set();
    this.#blocked.set(owner, names);
    if (!('user' in frame)) return { type: 'blocked', users: [...names].toSorted(), more: false };
    if (frame.blocked === true) names.add(frame.user);
    if (frame.blocked === false) names.delete(frame.user);
    return { type: 'blocked', users: names.has(frame.user) ? [frame.user] : [], more: false };
  }

  #markersOf(user: string, conversation: Peer): Markers {
    return this.#markers.get(keyOf(user, conversation)) ?? {};
  }
}

const NOTHING: Page = { messages: [], more: false };
const WORST_FIRST: readonly DeliveryStatus[] = ['dropped', 'stored'];

function keyOf(user: string, conversation: Peer): string {
  return JSON.stringify([user, conversation]);
}

function entryOf(map: Map<string, Set<WebSocket>>, key: string): Set<WebSocket> {
  const sockets = map.get(key) ?? new Set();
  map.set(key, sockets);
  return sockets;
}

function overlapBefore(cursor: string): string {
  return serialFloor(serialTime(cursor) - OVERLAP_MS);
}

function send(socket: WebSocket, frame: ServerFrame): void {
  socket.send(JSON.stringify(frame));
}
