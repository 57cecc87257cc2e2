import {
  DEFAULT_LIMITS,
  frameCharge,
  type Limits,
  type MessageInput,
  messageCharge,
  type Peer,
  problem,
  type ServerFrame,
  TARIFF,
} from '../../protocol/index.ts';
import { arrival, type Charge } from '../../server/gate/rate-limit.ts';
import { serialFloor } from '../../server/serial.ts';
import { type ClientWorld, type FakeSocket, type Frame, sentResult } from './client-world.ts';

/** The round-trip time of a frame and its answer, milliseconds. */
const ROUND_TRIP_MS = 20;

export interface RatedServerOptions {
  /** Changes of the default limits; `undefined` removes one. */
  readonly limits?: { readonly [name in keyof Limits]?: Limits[name] | undefined };
  /** The surcharge of a message, which a client cannot predict, in units. Default: 0. */
  readonly surcharge?: (message: MessageInput) => number;
  /** How long a frame waits before the server handles it, milliseconds. Default: 0. */
  readonly lag?: (frame: Frame) => number;
}

/** A server for {@link ClientWorld} sockets. It answers valid frames, and refuses those that exceed the rate limit. */
export class RatedServer {
  /** The refused and the accepted frames. */
  readonly refused: Frame[] = [];
  readonly served: Frame[] = [];
  readonly #limits: Partial<Limits>;
  readonly #surcharge: (message: MessageInput) => number;
  readonly #lag: (frame: Frame) => number;
  readonly #late: { readonly atMs: number; readonly socket: FakeSocket; readonly frame: Frame }[] = [];
  /** Its own clock, epoch milliseconds. */
  #nowMs = 1_000_000;
  readonly #read = new Map<FakeSocket, number>();
  /** When the charges of each socket, and of the user over all sockets, are paid off. */
  readonly #arrivals = new Map<FakeSocket | 'user', number>();

  constructor({ limits, surcharge = () => 0, lag = () => 0 }: RatedServerOptions = {}) {
    this.#limits = JSON.parse(JSON.stringify({ ...DEFAULT_LIMITS, ...limits }));
    this.#surcharge = surcharge;
    this.#lag = lag;
  }

  /** The data of the accepted messages, in order of arrival. */
  get taken(): unknown[] {
    return this.served.flatMap((frame) => messagesOf(frame).map(({ data }) => data));
  }

  /** Counts the accepted frames of this action. */
  count(action: string): number {
    return this.served.filter((frame) => frame.action === action).length;
  }

  /** Moves time in these worlds until a promise settles. Resolves with the elapsed milliseconds. */
  async until(worlds: readonly ClientWorld[], promise: Promise<unknown>): Promise<number> {
    let isSettled = false;
    const end = () => {
      isSettled = true;
    };
    promise.then(end, end);
    for (let passedMs = 0; passedMs < 600_000; passedMs += ROUND_TRIP_MS) {
      if (isSettled) return passedMs;
      await this.pass(worlds, ROUND_TRIP_MS);
    }
    throw new Error('the promise has not settled within ten minutes');
  }

  /** Moves time in these worlds. */
  async pass(worlds: readonly ClientWorld[], ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += ROUND_TRIP_MS) {
      for (const world of worlds) {
        for (const socket of world.sockets) this.#serve(socket);
        await world.advance(ROUND_TRIP_MS);
      }
      this.#nowMs += ROUND_TRIP_MS;
    }
  }

  /** Charges the user, as another device's frames do. */
  charge(units: number): void {
    this.#add('user', units);
  }

  #serve(socket: FakeSocket): void {
    const read = this.#read.get(socket);
    if (read === undefined) socket.open();
    const frames = socket.sent.slice(read ?? 0);
    this.#read.set(socket, socket.sent.length);
    for (const frame of frames) this.#late.push({ atMs: this.#nowMs + this.#lag(frame), socket, frame });
    const due = this.#late.filter(({ atMs }) => atMs <= this.#nowMs);
    for (const each of due) {
      this.#late.splice(this.#late.indexOf(each), 1);
      this.#onFrame(each.socket, each.frame);
    }
  }

  #onFrame(socket: FakeSocket, frame: Frame): void {
    const charge = this.#chargeOf(frame);
    const lateMs = Math.max(this.#lateMs(socket, charge), this.#lateMs('user', 0));
    if (lateMs > 0) {
      this.refused.push(frame);
      socket.receive({ type: 'error', id: frame.id, ...problem('rate_limited'), retryAfterMs: lateMs });
      return;
    }
    const surcharge = messagesOf(frame).reduce((sum, message) => sum + this.#surcharge(message), 0);
    this.#add(socket, charge);
    this.#add('user', charge + surcharge);
    this.served.push(frame);
    socket.receive({ ...answerTo(frame, this.#limits as Limits, this.#nowMs), id: frame.id });
  }

  #chargeOf(frame: Frame): number {
    const { tariff } = this.#limits;
    if (frame.action !== 'sendMessage') return frameCharge(frame as never, tariff ?? TARIFF);
    return messagesOf(frame)
      .map((message) => (tariff ? messageCharge(message, Buffer.byteLength(JSON.stringify(message.data)), tariff) : 1))
      .reduce((sum, units) => sum + units, 0);
  }

  get #rate() {
    const { ratePerSecond: perSecond = Number.POSITIVE_INFINITY, rateBurst: burst = 1 } = this.#limits;
    return { perSecond, burst };
  }

  /** By how many milliseconds a frame is too early. */
  #lateMs(whose: FakeSocket | 'user', cost: number): number {
    const charge: Charge = { limit: this.#rate, cost };
    const arrivesAt = this.#arrivals.get(whose) ?? 0;
    return arrivesAt > this.#nowMs ? arrivesAt - arrival(charge, this.#nowMs).latestMs : 0;
  }

  #add(whose: FakeSocket | 'user', cost: number): void {
    const { incrementMs } = arrival({ limit: this.#rate, cost }, this.#nowMs);
    this.#arrivals.set(whose, Math.max(this.#arrivals.get(whose) ?? 0, this.#nowMs) + incrementMs);
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function messagesOf(frame: Frame): readonly MessageInput[] {
  return (frame['messages'] ?? []) as readonly MessageInput[];
}

function answerTo(frame: Frame, limits: Limits, serverTime: number): DistributedOmit<ServerFrame, 'id'> {
  const page = { recovered: true, messages: [], more: false, cursor: serialFloor(serverTime), serverTime };
  switch (frame.action) {
    case 'register': {
      const identity = { userId: 'alice', connectionId: 'c', expiresAt: serverTime + 660_000 };
      return { type: 'registered', ...identity, ...page, limits };
    }
    case 'join':
      return { type: 'joined', room: String(frame['room']), ...page };
    case 'leave':
      return { type: 'left', room: String(frame['room']) };
    case 'ping':
      return { type: 'pong', serverTime, messages: [], more: false };
    case 'presence':
      return { type: 'presence', users: [] };
    case 'mark':
      return { type: 'marked' };
    case 'sendMessage':
      return { type: 'ack', results: messagesOf(frame).map(({ id = '' }) => sentResult(id)) };
    default:
      return { type: 'history', conversation: frame['conversation'] as Peer, messages: [] };
  }
}
