import type { HistoryFrame, Message, MessageInput, Peer, SendResult } from '../../protocol/index.ts';
import { DEFAULT_LIMITS, OVERLAP_MS } from '../../protocol/index.ts';
import { serialFloor, serialTime } from '../../server/serial.ts';
import type { FakeSocket, Frame } from './client-world.ts';

/** How long the index of a conversation lags behind at most, milliseconds. */
const MAX_LAG_MS = 8_000;

interface Marker {
  received?: string;
  read?: string;
}

interface Line {
  readonly user: string;
  readonly rooms: Set<string>;
  isRegistered: boolean;
  answered: number;
}

/**
 * A server in memory, which speaks the wire with clients in a `ClientWorld`. It loses connections before and after its work, answers in
 * any order of the connections, forgets some of what a client has missed (and says so), and its history lags behind.
 */
export class UnsteadyServer {
  readonly #random: () => number;
  readonly #lines = new Map<FakeSocket, Line>();
  readonly #logs = new Map<string, Message[]>();
  /** When the history has a message. */
  readonly #indexedAt = new Map<Message, number>();
  readonly #markers = new Map<string, Marker>();
  nowMs = 1_700_000_000_000;
  isHealthy = false;
  /** How often something went wrong. */
  faults = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Begins to serve a socket. */
  accept(socket: FakeSocket, user: string): void {
    this.#lines.set(socket, { user, rooms: new Set(), isRegistered: false, answered: 0 });
    socket.open();
  }

  knows(socket: FakeSocket): boolean {
    return this.#lines.has(socket);
  }

  /** Handles the next frame of a connection, or loses the connection. */
  serve(socket: FakeSocket): void {
    const line = this.#lines.get(socket);
    if (!line || socket.closedWith !== undefined) {
      this.#lines.delete(socket);
      return;
    }
    const frame = socket.sent[line.answered];
    const chance = this.isHealthy ? 1 : this.#random();
    if (chance < (frame ? 0.05 : 0.02)) this.#lose(socket);
    else if (frame) this.#answer(socket, line, frame, chance);
  }

  #answer(socket: FakeSocket, line: Line, frame: Frame, chance: number): void {
    line.answered += 1;
    const reply = this.#work(socket, line, frame);
    if (chance < 0.09) this.#lose(socket);
    else if (chance < 0.11 && frame.action !== 'register') this.#fail(socket, frame);
    else if (reply) socket.receive({ id: frame.id, ...reply });
  }

  /** A service sends a message to a user. */
  sendFromService(service: string, user: string, data: string): Message {
    const message = this.#mint({ service }, data, data);
    this.#append(`user#${user}`, { ...message, to: { user } });
    return message;
  }

  /** The messages of a conversation, as its history has them in the end. */
  transcript(user: string, conversation: Peer | { readonly service: string }): readonly Message[] {
    if ('room' in conversation) return this.#log(`room#${conversation.room}`);
    const all = [...this.#logs.entries()].flatMap(([address, log]) =>
      log.filter(({ from }) => {
        if ('service' in conversation)
          return 'service' in from && from.service === conversation.service && address === `user#${user}`;
        if (!('user' in from)) return false;
        return (
          (address === `user#${user}` && from.user === conversation.user) ||
          (address === `user#${conversation.user}` && from.user === user)
        );
      }),
    );
    const own = all.filter((message) => !isCopy(message));
    return [...new Set(own)].sort((one, other) => (one.serial < other.serial ? -1 : 1));
  }

  markersOf(user: string, peer: object): Marker {
    return this.#markers.get(keyOf(user, peer)) ?? {};
  }

  #lose(socket: FakeSocket): void {
    this.faults += 1;
    this.#lines.delete(socket);
    socket.end(1006);
  }

  #fail(socket: FakeSocket, { id }: Frame): void {
    this.faults += 1;
    socket.receive({ type: 'error', id, code: 'internal', message: 'internal', retryable: true });
  }

  #work(socket: FakeSocket, line: Line, frame: Frame): object | undefined {
    const { action } = frame;
    if (action === 'register') return this.#register(line, frame);
    if (action === 'ping') return { type: 'pong', serverTime: this.nowMs, messages: [], more: false };
    if (action === 'join') return this.#join(line, frame);
    if (action === 'leave') {
      line.rooms.delete(frame['room'] as string);
      return { type: 'left', room: frame['room'] };
    }
    if (action === 'history') return this.#history(line.user, frame as unknown as HistoryFrame);
    if (action === 'mark') return this.#mark(socket, line.user, frame);
    if (action !== 'sendMessage') throw new Error(`the server does not know ${action}`);
    const messages = frame['messages'] as readonly (MessageInput & { id: string })[];
    return { type: 'ack', results: messages.map((message) => this.#send(socket, line.user, message)) };
  }

  #register(line: Line, { cursor: since }: Frame): object {
    line.isRegistered = true;
    const page = this.#missed(`user#${line.user}`, since as string | undefined);
    const limits = DEFAULT_LIMITS;
    return {
      type: 'registered',
      userId: line.user,
      connectionId: `connection-${this.#random()}`,
      expiresAt: this.nowMs + 660_000,
      limits,
      ...page,
    };
  }

  #join(line: Line, { room, cursor: since }: Frame): object {
    line.rooms.add(room as string);
    return { type: 'joined', room, ...this.#missed(`room#${room}`, since as string | undefined) };
  }

  /** What a resume brings. Sometimes, the server has forgotten the oldest, and says so. */
  #missed(address: string, since: string | undefined): object {
    const after = since && serialFloor(serialTime(since) - OVERLAP_MS);
    const missed = after === undefined ? [] : this.#log(address).filter(({ serial }) => serial >= after);
    const forgets = !this.isHealthy && this.#random() < 0.1;
    if (forgets) this.faults += 1;
    return {
      recovered: !forgets,
      messages: forgets ? missed.slice(Math.floor(this.#random() * (missed.length + 1))) : missed,
      more: false,
      cursor: serialFloor(this.nowMs),
      serverTime: this.nowMs,
    };
  }

  #history(user: string, { conversation, before, limit = 50 }: HistoryFrame): object {
    const isRoom = 'room' in conversation;
    const all = this.transcript(user, conversation).filter((message) => {
      const isIndexed = isRoom || (this.#indexedAt.get(message) ?? 0) <= this.nowMs;
      return isIndexed && (before === undefined || message.serial < before);
    });
    const messages = all.slice(-limit);
    const peer = 'user' in conversation ? this.markersOf(conversation.user, { user }) : undefined;
    const { read } = this.markersOf(user, conversation);
    return {
      type: 'history',
      conversation,
      messages: messages.map(visible),
      ...(messages.length < all.length && { next: messages[0]?.serial }),
      ...(read && { read }),
      ...(peer && { peer }),
    };
  }

  #mark(own: FakeSocket, user: string, frame: Frame): object {
    for (const mark of frame['marks'] as readonly ({ conversation: Peer } & Marker)[]) {
      const { conversation } = mark;
      const known = this.markersOf(user, conversation);
      const moved = { ...known };
      for (const name of ['received', 'read'] as const) {
        const to = mark[name];
        if (to !== undefined && to > (known[name] ?? '')) moved[name] = to;
      }
      this.#markers.set(keyOf(user, conversation), moved);
      if (moved.read !== known.read) this.#push(`user#${user}`, { type: 'marker', conversation, ...moved }, own);
      if ('user' in conversation)
        this.#push(`user#${conversation.user}`, { type: 'receipt', from: { user }, ...moved });
    }
    return { type: 'marked' };
  }

  #send(own: FakeSocket, user: string, input: MessageInput & { id: string }): SendResult {
    const { to, id, data, encoding, ephemeral = false, echo = true, retry = false } = input;
    const addresses =
      'room' in to ? [`room#${to.room}`] : ('user' in to ? [to.user] : to.users).map((each) => `user#${each}`);
    const first = retry
      ? addresses.map((address) => this.#log(address).find((kept) => kept.id === id && sameUser(kept, user)))[0]
      : undefined;
    const content = {
      ...this.#mint({ user }, id, data),
      ...(encoding && { encoding }),
      ...(input.receipt && { receipt: true as const }),
    };
    const { serial, sentAt } = first ?? content;
    for (const address of addresses) {
      const name = address.slice(5);
      const message = first ?? { ...content, serial, sentAt, to: 'room' in to ? to : { user: name } };
      if (!ephemeral && !first) this.#append(address, message, own);
      else this.#post(address, message, own);
    }
    if (echo && !('room' in to) && !addresses.includes(`user#${user}`)) {
      const copy = copyOf({ ...content, serial, sentAt, to });
      if (!ephemeral && !first) this.#append(`user#${user}`, copy, own);
      else this.#post(`user#${user}`, copy, own);
    }
    return {
      id,
      serial,
      status: 'sent',
      connections: { sent: 1, gone: 0, failed: 0 },
      users: [],
      ...(first && { duplicate: true as const }),
    };
  }

  #mint(from: Message['from'], id: string, data: unknown): Message {
    this.nowMs += 1;
    return {
      id,
      serial: serialFloor(this.nowMs),
      from,
      to: { user: '' },
      data: data as Message['data'],
      sentAt: this.nowMs,
    };
  }

  #append(address: string, message: Message, own?: FakeSocket): void {
    this.#log(address).push(message);
    this.#indexedAt.set(message, this.nowMs + (this.#random() < 0.5 ? 0 : this.#random() * MAX_LAG_MS));
    this.#post(address, message, own);
  }

  #post(address: string, message: Message, own?: FakeSocket): void {
    this.#push(address, { type: 'messages', messages: [visible(message)] }, own);
    // The network may bring it twice.
    if (!this.isHealthy && this.#random() < 0.1)
      this.#push(address, { type: 'messages', messages: [visible(message)] }, own);
  }

  #push(address: string, frame: object, own?: FakeSocket): void {
    for (const [socket, { user, rooms, isRegistered }] of this.#lines) {
      const isThere = address.startsWith('room#') ? rooms.has(address.slice(5)) : user === address.slice(5);
      if (isThere && isRegistered && socket !== own && socket.closedWith === undefined) socket.receive(frame);
    }
  }

  #log(address: string): Message[] {
    const log = this.#logs.get(address) ?? [];
    this.#logs.set(address, log);
    return log;
  }
}

const copies = new WeakSet<Message>();

/** The copy of a message for the other devices of its sender, which is in no conversation by itself. */
function copyOf(message: Message): Message {
  copies.add(message);
  return message;
}

function isCopy(message: Message): boolean {
  return copies.has(message);
}

function visible(message: Message): Message {
  return { ...message };
}

function sameUser({ from }: Message, user: string): boolean {
  return 'user' in from && from.user === user;
}

function keyOf(user: string, conversation: object): string {
  return JSON.stringify([user, conversation]);
}
