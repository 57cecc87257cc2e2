import type { ConnectionCounts, DeliveryStatus, Message, MessageSource } from '../../protocol/index.ts';
import { type Address, isRoom, type Pair, sourceAddress, userIdOf } from '../address.ts';
import type { Now } from '../clock.ts';
import type { Directory, Mapping } from '../connections/directory.ts';
import type { ConversationList } from '../history/conversation-list.ts';
import type { QueueForIndex } from '../search/indexing.ts';
import { type MintSerial, serialFloor, serialTime } from '../serial.ts';
import type { Tasks } from '../tasks.ts';
import { ALL_CONNECTION_IDS, divide, MAX_DIRECT_CONNECTIONS } from './fan-out.ts';
import type { InboxGuard } from './inbox-guard.ts';
import type { MessageLog } from './message-log.ts';
import { MAX_DELIVERY_AGE_MS, type Posting, toFrames } from './posting.ts';

/** One message for one address. */
export interface Delivery {
  readonly message: Message;
  /** Epoch seconds until which the message is kept; absent: it is not kept. */
  readonly expiresAt?: number;
  /** Whether the message may have been sent before, under the same id. */
  readonly retry: boolean;
  /** Whether its frame waited so long that a retry of it may have come first. @default false */
  readonly late?: boolean;
  /** The two users of the conversation. Absent: it is a copy, to a room, or from a service. */
  readonly pair?: Pair;
  /** Whether the log has it already: then `message` is the one in the log. @default false */
  readonly duplicate?: boolean;
}

/** All deliveries of one sender to one address, in their order: two batches for one address would overtake each other. */
export interface DeliveryBatch<D extends Delivery = Delivery> {
  readonly address: Address;
  readonly deliveries: readonly D[];
  /** The connection that sends: it does not get the messages. Absent: a service sends. */
  readonly sendingConnectionId?: string | undefined;
}

/** The result of one delivery. */
export interface DeliveryOutcome {
  readonly status: DeliveryStatus;
  readonly counts: ConnectionCounts;
  /** The serial of the message in the log: for a retry, the serial of the first attempt. */
  readonly serial: string;
  readonly duplicate: boolean;
}

export interface DeliveriesDependencies {
  readonly directory: Directory;
  readonly log: MessageLog;
  readonly guard: InboxGuard;
  readonly posting: Posting;
  readonly tasks: Tasks;
  readonly now: Now;
  readonly mintSerial: MintSerial;
  /** Absent: messages are not indexed. */
  readonly queueForIndex?: QueueForIndex | undefined;
  /** Absent: there is no list of conversations. */
  readonly list?: Pick<ConversationList, 'note'> | undefined;
}

/** What the first read of an address finds. */
export interface FirstLook {
  readonly connections: readonly Mapping[];
  /** Whether the user at the address has blocked the sender. */
  readonly isBlocked: boolean;
}

/** Delivers messages to an address: to its connections, and to its log. */
export interface Deliveries {
  /** Takes the first look, while the gate checks the sender. */
  lookUp(address: Address, from: MessageSource): Promise<FirstLook>;
  /**
   * Finds out which deliveries the recipient accepts. A retry of an accepted message is accepted.
   * @returns each delivery with the message to post; `undefined` for one that the recipient does not accept
   */
  accept<D extends Delivery>(batch: DeliveryBatch<D>, look: FirstLook): Promise<readonly (D | undefined)[]>;
  /**
   * Appends accepted messages to the log and posts them.
   * @returns an outcome for each delivery, once each post has one
   */
  deliver(batch: DeliveryBatch, look: FirstLook): Promise<readonly DeliveryOutcome[]>;
}

const NO_CONNECTIONS: ConnectionCounts = { sent: 0, gone: 0, failed: 0 };

export function createDeliveries(dependencies: DeliveriesDependencies): Deliveries {
  const { directory, log, guard, posting, tasks, now, mintSerial, queueForIndex, list } = dependencies;
  const limit = MAX_DIRECT_CONNECTIONS + 1;

  /** Replaces retries by the first attempt in the log. Only retries are looked up: the usual path pays nothing. */
  async function withFirstAttempts<D extends Delivery>(address: Address, deliveries: readonly D[]) {
    const retried = deliveries.filter(({ retry, expiresAt }) => retry && expiresAt !== undefined);
    const before = await findAll(address, retried);
    let last = '';
    return deliveries.map((delivery): D => {
      const first = retried.includes(delivery) ? before?.get(delivery.message.id) : undefined;
      const message = first ?? behind(last, delivery.message);
      if (message.serial > last) last = message.serial;
      return { ...delivery, message, duplicate: first !== undefined };
    });
  }

  /**
   * A retry that began after this handler may have appended the first messages of the batch already. The others get later
   * serials than those, or a reader of the log would find them in the wrong order.
   */
  function behind(serial: string, message: Message): Message {
    if (message.serial > serial) return message;
    return { ...message, serial: mintSerial(serialTime(serial) + 1) };
  }

  function findAll(address: Address, deliveries: readonly Delivery[]) {
    const [first] = deliveries;
    if (!first) return undefined;
    const ids = deliveries.map(({ message }) => message.id);
    return log.find(address, first.message.from, ids, serialFloor(now() - MAX_DELIVERY_AGE_MS));
  }

  /** The deliveries that the recipient does not accept. */
  async function refused<D extends Delivery>(
    address: Address,
    deliveries: readonly D[],
    { connections, isBlocked }: FirstLook,
  ): Promise<readonly D[]> {
    const fresh = deliveries.filter(({ duplicate }) => !duplicate);
    if (isBlocked) return fresh;
    const kept = fresh.filter(({ expiresAt }) => expiresAt !== undefined);
    const [first] = kept;
    // A connected user reads the inbox: there is no limit then.
    if (!first || connections.length > 0) return [];
    const messages = kept.map(({ message }) => message);
    return kept.slice(await guard.take(address, first.message.from, messages));
  }

  /** One after the other: if one fails and is retried later, the log must not have a message behind it already. */
  async function append(address: Address, deliveries: readonly Delivery[]): Promise<void> {
    for (const { message, expiresAt, duplicate, pair, retry, late } of deliveries) {
      if (expiresAt === undefined || duplicate) continue;
      const retried = (retry || late) && ({ retried: true } as const);
      await log.append(address, message, expiresAt, { ...(pair && { pair }), ...retried });
    }
  }

  /**
   * Notes the newest message between the sender and a user in the lists of both: once for a batch, and the same again for a retry.
   * It notes nothing for rooms and copies.
   */
  async function noteInLists(address: Address, deliveries: readonly Delivery[]): Promise<void> {
    const [newest] = deliveries
      .filter(({ pair, expiresAt }) => pair !== undefined && expiresAt !== undefined)
      .map(({ message }) => message)
      .sort((one, other) => (one.serial < other.serial ? 1 : -1));
    if (!list || !newest || isRoom(address)) return;
    const { serial, from } = newest;
    const sender = sourceAddress(from);
    const ofSender = 'user' in from && sender !== address ? [{ userId: from.user, peer: address }] : [];
    const keys = [{ userId: userIdOf(address), peer: sender }, ...ofSender];
    await settleAll(keys.map((key) => list.note(key, serial)));
  }

  /** What follows once messages are in the log. */
  function follow(address: Address, deliveries: readonly Delivery[]) {
    return settleAll([queueForIndex?.(address, deliveries), noteInLists(address, deliveries)]);
  }

  /** Posts a batch to connections; gives a count of outcomes for each delivery. */
  function post(batch: DeliveryBatch, targets: readonly Mapping[], logged?: Promise<unknown>) {
    const messages = batch.deliveries.map(({ message }) => message);
    return posting.deliver(targets, messages, { spared: batch.sendingConnectionId, ...(logged && { logged }) });
  }

  /** Posts to connections that came after the first look. Each is in the directory, or finds the message in the log. */
  async function deliverToNewcomers(batch: DeliveryBatch, seen: readonly Mapping[]) {
    const kept = { ...batch, deliveries: batch.deliveries.filter(({ expiresAt }) => expiresAt !== undefined) };
    if (kept.deliveries.length === 0) return [];
    const found = await directory.find(batch.address, { consistent: true, limit });
    if (found.length > MAX_DIRECT_CONNECTIONS) {
      await fanOut(kept, found);
      return [];
    }
    const known = new Set(seen.map(({ connectionId }) => connectionId));
    const newcomers = found.filter(({ connectionId }) => !known.has(connectionId));
    return post(kept, newcomers);
  }

  /** Queues the delivery. @param first the first connections of the address */
  async function fanOut(batch: DeliveryBatch, first: readonly Mapping[]): Promise<void> {
    const frames = toFrames(batch.deliveries.map(({ message }) => message));
    const { address, sendingConnectionId: spared } = batch;
    const task = { kind: 'deliver', address, ...(spared !== undefined && { spared }) } as const;
    const ranges = divide(
      ALL_CONNECTION_IDS,
      first.map(({ connectionId }) => connectionId),
    );
    await tasks.add(ranges.flatMap((range) => frames.map(({ messages }) => ({ ...task, messages, range }))));
  }

  return {
    // Strongly consistent: a connection that missed the sender's last message was removed before that message was
    // acknowledged. An old answer would still show it, and it would get this message before the one that it missed.
    async lookUp(address, from) {
      const found = directory.find(address, { consistent: true, limit });
      const [connections, isBlocked] = await Promise.all([found, guard.isBlocked(address, from)]);
      return { connections, isBlocked };
    },

    async accept({ address, deliveries }, look) {
      const all = await withFirstAttempts(address, deliveries);
      const without = new Set(await refused(address, all, look));
      return all.map((delivery) => (without.has(delivery) ? undefined : delivery));
    },

    async deliver(batch, { connections: seen }) {
      const { address, deliveries } = batch;
      if (seen.length > MAX_DIRECT_CONNECTIONS) {
        await append(address, deliveries);
        await settleAll([fanOut(batch, seen), follow(address, deliveries)]);
        return deliveries.map((delivery) => toOutcome(delivery, [], 'queued'));
      }
      const logged = append(address, deliveries);
      const [first, later] = await settleAll([
        post(batch, seen, logged),
        logged.then(() => settleAll([deliverToNewcomers(batch, seen), follow(address, deliveries)])),
      ] as const);
      const laterCounts = later[0].values();
      return deliveries.map((delivery, index) => {
        const ofNewcomers = delivery.expiresAt === undefined ? undefined : laterCounts.next().value;
        return toOutcome(delivery, [first[index], ofNewcomers]);
      });
    },
  };
}

function toOutcome(
  { message, expiresAt, duplicate = false }: Delivery,
  counts: readonly (ConnectionCounts | undefined)[],
  otherwise: DeliveryStatus = expiresAt === undefined ? 'dropped' : 'stored',
): DeliveryOutcome {
  const total = counts.reduce<ConnectionCounts>((sum, each) => add(sum, each ?? NO_CONNECTIONS), NO_CONNECTIONS);
  return { status: total.sent > 0 ? 'sent' : otherwise, counts: total, serial: message.serial, duplicate };
}

/** The sum of two counts. */
export function add(a: ConnectionCounts, b: ConnectionCounts): ConnectionCounts {
  return { sent: a.sent + b.sent, gone: a.gone + b.gone, failed: a.failed + b.failed };
}

/** Like `Promise.all`, but waits for all promises: Lambda freezes what a handler leaves under way. */
async function settleAll<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}
