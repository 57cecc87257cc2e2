import type { ConnectionCounts, DeliveryStatus, Message, Sender } from '../../protocol/index.ts';
import type { Address, Pair } from '../address.ts';
import type { Now } from '../clock.ts';
import type { Directory, Mapping } from '../connections/directory.ts';
import type { QueueForIndex } from '../search/indexing.ts';
import { type MintSerial, serialFloor, serialTime } from '../serial.ts';
import type { Tasks } from '../tasks.ts';
import { connectionIdRanges } from './fan-out.ts';
import type { InboxGuard } from './inbox-guard.ts';
import type { MessageLog } from './message-log.ts';
import { MAX_DELIVERY_AGE_MS, type Posting, type Spared, toFrames } from './posting.ts';

/** One message for one address. */
export interface Letter {
  readonly message: Message;
  /** Epoch seconds until which it is kept; absent: it is not kept. */
  readonly expiresAt?: number;
  /** Whether it may have been sent before, under the same id. */
  readonly retry: boolean;
  /** Whether its frame waited so long that a retry of it may have come first. @default false */
  readonly late?: boolean;
  /** Between whom it is. Absent: it is a copy, to a room, or from a service. */
  readonly pair?: Pair;
  /** Whether the connection that sends it gets none: a copy for the sender's other devices, or a message to a room. */
  readonly sparesSender: boolean;
}

/** All letters of one sender for one address, in their order: two mailboxes for one address would overtake each other. */
export interface Mailbox<L extends Letter = Letter> {
  readonly address: Address;
  readonly letters: readonly L[];
  /** The connection that sends, if it is one. */
  readonly sendingConnectionId?: string;
}

/** What became of one letter. */
export interface LetterOutcome {
  readonly status: DeliveryStatus;
  readonly counts: ConnectionCounts;
  /** The serial under which it stands: of a retry, that of the first. */
  readonly serial: string;
  readonly duplicate: boolean;
}

/** Connections that a handler posts to by itself. A larger mailbox is delivered by `tasks`, in parts. */
export const MAX_DIRECT_CONNECTIONS = 200;

export interface MailboxDependencies {
  readonly directory: Directory;
  readonly log: MessageLog;
  readonly guard: InboxGuard;
  readonly posting: Posting;
  readonly tasks: Tasks;
  readonly now: Now;
  readonly mintSerial: MintSerial;
  /** Absent: messages are not indexed. */
  readonly queueForIndex?: QueueForIndex | undefined;
}

/** What is known of an address before anything is done there. */
export interface FirstLook {
  readonly connections: readonly Mapping[];
  /** Whether the user there has blocked the sender. */
  readonly isBlocked: boolean;
}

/** Delivers mailboxes. */
export interface Mailboxes {
  /** The first look, which may be a little old: taken while the sender is being admitted. */
  lookUp(address: Address, from: Sender): Promise<FirstLook>;
  /**
   * Finds out which letters may be delivered. What was accepted before, and is sent again, is accepted.
   * @returns each letter under the message that stands for it; `undefined` for one that the recipient does not accept
   */
  accept(mailbox: Mailbox, look: FirstLook): Promise<readonly (Standing | undefined)[]>;
  /** @param mailbox with letters that were accepted @returns an outcome for each letter, once each post has one */
  deliver(mailbox: Mailbox<Standing>, look: FirstLook): Promise<readonly LetterOutcome[]>;
}

const NO_CONNECTIONS: ConnectionCounts = { delivered: 0, gone: 0, failed: 0 };

/** A letter, under the message that stands for it. */
export interface Standing extends Letter {
  readonly duplicate: boolean;
}

export function createMailboxes(dependencies: MailboxDependencies): Mailboxes {
  const { directory, log, guard, posting, tasks, now, mintSerial, queueForIndex } = dependencies;
  const limit = MAX_DIRECT_CONNECTIONS + 1;

  /** Only for retries is it looked whether they have been sent before: the usual path pays nothing. */
  async function standing(address: Address, letters: readonly Letter[]): Promise<readonly Standing[]> {
    const retried = letters.filter(({ retry, expiresAt }) => retry && expiresAt !== undefined);
    const before = await findAll(address, retried);
    let last = '';
    return letters.map((letter) => {
      const first = retried.includes(letter) ? before?.get(letter.message.id) : undefined;
      const message = first ?? behind(last, letter.message);
      if (message.serial > last) last = message.serial;
      return { ...letter, message, duplicate: first !== undefined };
    });
  }

  /**
   * A handler that is slow may find that a retry, which began after it, has appended the first letters. The others must
   * stand behind those, or whoever reads the log meanwhile finds them the wrong way round.
   */
  function behind(serial: string, message: Message): Message {
    if (message.serial > serial) return message;
    return { ...message, serial: mintSerial(serialTime(serial) + 1) };
  }

  function findAll(address: Address, letters: readonly Letter[]) {
    const [first] = letters;
    if (!first) return undefined;
    const ids = letters.map(({ message }) => message.id);
    return log.find(address, first.message.from, ids, serialFloor(now() - MAX_DELIVERY_AGE_MS));
  }

  /** The letters that the recipient does not accept. */
  async function refused(address: Address, letters: readonly Standing[], { connections, isBlocked }: FirstLook) {
    const unheard = letters.filter(({ duplicate }) => !duplicate);
    if (isBlocked) return unheard;
    const kept = unheard.filter(({ expiresAt }) => expiresAt !== undefined);
    const [first] = kept;
    // Whoever is connected reads what comes.
    if (!first || connections.length > 0) return [];
    const messages = kept.map(({ message }) => message);
    return kept.slice(await guard.take(address, first.message.from, messages));
  }

  /** One after the other: a letter must not be in the log before one that failed and will be appended later. */
  async function append(address: Address, letters: readonly Standing[]): Promise<void> {
    for (const { message, expiresAt, duplicate, pair, retry, late } of letters) {
      if (expiresAt === undefined || duplicate) continue;
      const retried = (retry || late) && ({ retried: true } as const);
      await log.append(address, message, expiresAt, { ...(pair && { pair }), ...retried });
    }
  }

  /** Posts letters to connections; gives a count of outcomes for each letter. */
  function post(mailbox: Mailbox, targets: readonly Mapping[], letters: readonly Letter[], logged?: Promise<unknown>) {
    const messages = letters.map(({ message }) => message);
    const spared = sparedOf(mailbox, letters);
    return posting.deliver(targets, messages, { spared, ...(logged && { logged }) });
  }

  /** For whoever has come since the first look: they are in the directory, or they find the message in the log. */
  async function deliverToNewcomers(mailbox: Mailbox, seen: readonly Mapping[], letters: readonly Standing[]) {
    const kept = letters.filter(({ expiresAt }) => expiresAt !== undefined);
    if (kept.length === 0) return [];
    const found = await directory.find(mailbox.address, { consistent: true, limit });
    if (found.length > MAX_DIRECT_CONNECTIONS) {
      await fanOut(mailbox, kept);
      return [];
    }
    const known = new Set(seen.map(({ connectionId }) => connectionId));
    const newcomers = found.filter(({ connectionId }) => !known.has(connectionId));
    return post(mailbox, newcomers, kept);
  }

  async function fanOut(mailbox: Mailbox, letters: readonly Letter[]): Promise<void> {
    const frames = toFrames(letters.map(({ message }) => message));
    const spared = sparedOf(mailbox, letters);
    const task = { kind: 'deliver', address: mailbox.address, ...(spared && { spared }) } as const;
    await tasks.add(
      connectionIdRanges().flatMap((range) => frames.map(({ messages }) => ({ ...task, messages, range }))),
    );
  }

  return {
    // Strongly consistent: a connection that missed the sender's last message was removed before that was acknowledged, and
    // an old answer would still show it. It would get this one before it comes back for that one.
    async lookUp(address, from) {
      const found = directory.find(address, { consistent: true, limit });
      const [connections, isBlocked] = await Promise.all([found, guard.isBlocked(address, from)]);
      return { connections, isBlocked };
    },

    async accept({ address, letters }, look) {
      const all = await standing(address, letters);
      const without = new Set(await refused(address, all, look));
      return all.map((letter) => (without.has(letter) ? undefined : letter));
    },

    async deliver(mailbox, { connections: seen }) {
      const { address, letters } = mailbox;
      if (seen.length > MAX_DIRECT_CONNECTIONS) {
        await append(address, letters);
        await settleAll([fanOut(mailbox, letters), queueForIndex?.(address, letters)]);
        return letters.map((letter) => toOutcome(letter, [], 'queued'));
      }
      const logged = append(address, letters);
      const [first, later] = await settleAll([
        post(mailbox, seen, letters, logged),
        logged.then(() => settleAll([deliverToNewcomers(mailbox, seen, letters), queueForIndex?.(address, letters)])),
      ] as const);
      const laterCounts = later[0].values();
      return letters.map((letter, index) => {
        const ofNewcomers = letter.expiresAt === undefined ? undefined : laterCounts.next().value;
        return toOutcome(letter, [first[index], ofNewcomers]);
      });
    },
  };
}

function sparedOf({ sendingConnectionId }: Mailbox, letters: readonly Letter[]): Spared | undefined {
  const spared = letters.filter(({ sparesSender }) => sparesSender);
  if (sendingConnectionId === undefined || spared.length === 0) return undefined;
  return { connectionId: sendingConnectionId, serials: spared.map(({ message }) => message.serial) };
}

function toOutcome(
  { message, expiresAt, duplicate }: Standing,
  counts: readonly (ConnectionCounts | undefined)[],
  otherwise: DeliveryStatus = expiresAt === undefined ? 'dropped' : 'stored',
): LetterOutcome {
  const total = counts.reduce<ConnectionCounts>((sum, each) => add(sum, each ?? NO_CONNECTIONS), NO_CONNECTIONS);
  return { status: total.delivered > 0 ? 'delivered' : otherwise, counts: total, serial: message.serial, duplicate };
}

/** The sum of two counts. */
export function add(a: ConnectionCounts, b: ConnectionCounts): ConnectionCounts {
  return { delivered: a.delivered + b.delivered, gone: a.gone + b.gone, failed: a.failed + b.failed };
}

/** Like `Promise.all`, but waits for all of them: what is left under way when a handler returns is frozen with it. */
async function settleAll<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}
