import {
  type DeliveryStatus,
  type Message,
  type MessageInput,
  type Problem,
  problem,
  type Result,
  type Sender,
  type SendFailure,
  type SendResult,
} from '../../protocol/index.ts';
import { type Address, conversationOf, type Pair, pairOf, roomAddress, userAddress } from '../address.ts';
import { allows, forbidden } from '../auth/capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Claims } from '../connections/connection.ts';
import type { MintSerial } from '../serial.ts';
import {
  add,
  type FirstLook,
  type Letter,
  type LetterOutcome,
  type Mailbox,
  type Mailboxes,
  type Standing,
} from './delivery.ts';

/** What sending needs. */
export interface SendDependencies {
  readonly mailboxes: Mailboxes;
  readonly now: Now;
  /** How long messages are kept, and the most that one may ask for. */
  readonly retentionSeconds: number;
  readonly mintSerial: MintSerial;
  /** Makes a UUID for a message that came without an id. */
  readonly mintId: () => string;
  /** Told why a message could not be sent, and as what problem the sender learns it: `internal`. */
  readonly onFailure: (cause: unknown, told: Problem) => void;
}

/** On whose behalf messages are sent. */
export interface Origin {
  readonly from: Sender;
  /** The user's connection that sends: it gets no copies of its own messages, and none from a room unless it asks. */
  readonly connectionId?: string;
  /** Epoch milliseconds: when API Gateway received the frame. */
  readonly receivedAt?: number;
}

/** Whether the sender may send now, and what; or why not. Asked while the recipients are being looked up. */
export type Admission = Promise<Result<Pick<Claims, 'capability'>>>;

/**
 * The one way messages are sent, for users and services alike: in the order given, each with a result of its own.
 * Fails as a whole only when the sender is not admitted; then nothing has been sent.
 */
export type Send = (
  origin: Origin,
  inputs: readonly MessageInput[],
  atGate?: Admission,
) => Promise<Result<readonly (SendResult | SendFailure)[]>>;

/**
 * How long a frame may wait for its handler, in milliseconds, before a retry may have come first: a client that has lost
 * its connection needs longer to open another one and to register on it. A warm function begins within a few.
 */
const MAX_PROMPT_MS = 100;

/** Mailboxes that are looked up, and then delivered to, at once. */
const MAX_CONCURRENT_MAILBOXES = 10;

/** One accepted message, and what became of it at each recipient. */
interface Envelope {
  readonly message: Message;
  readonly letter: Omit<Letter, 'message' | 'sparesSender'>;
  readonly recipients: ReadonlySet<Address>;
  /** The sender's address, for a copy. */
  readonly echoTo?: Address;
  readonly sparesSender: boolean;
  readonly outcomes: Map<Address, LetterOutcome>;
  /** The recipients who do not accept it. */
  readonly refusedBy: Set<Address>;
  /** Why nothing is known to have been done. */
  error?: Problem;
}

/** The envelopes out of which one address gets a letter, in their order. */
interface Bundle {
  readonly address: Address;
  readonly envelopes: Envelope[];
}

/** What its user has accepted of a bundle. */
interface AcceptedBundle {
  readonly mailbox: Omit<Mailbox, 'letters'>;
  readonly entries: readonly { readonly envelope: Envelope; readonly letter: Standing }[];
  readonly look: FirstLook;
}

export function createSend(dependencies: SendDependencies): Send {
  const { mailboxes, now, retentionSeconds, mintSerial, mintId, onFailure } = dependencies;

  function accept({ from, receivedAt = Number.POSITIVE_INFINITY }: Origin, input: MessageInput): Envelope {
    const { id, to, data, encoding, store = true, ttlSeconds = retentionSeconds, retry = false, echo = false } = input;
    // What is not kept cannot be told from what never was: no receipt would be pushed for it.
    const receipt = input.receipt && store && 'user' in from && !('room' in to);
    const content = { data, ...(encoding !== undefined && { encoding }) };
    const sentAt = now();
    const recipients = addressesOf(to);
    const expiresAt = toSeconds(sentAt) + Math.min(ttlSeconds, retentionSeconds);
    return {
      message: {
        id: id ?? mintId(),
        serial: mintSerial(sentAt),
        from,
        to,
        ...content,
        sentAt,
        ...(receipt && { receipt }),
      },
      letter: { retry, late: sentAt - receivedAt > MAX_PROMPT_MS, ...(store && { expiresAt }) },
      recipients,
      ...(echo && 'user' in from && copyTo(userAddress(from.user), recipients)),
      sparesSender: 'room' in to && !echo,
      outcomes: new Map(),
      refusedBy: new Set(),
    };
  }

  function toMailbox({ address, envelopes }: Bundle, { connectionId: sendingConnectionId }: Origin): Mailbox {
    const letters = envelopes.map(({ message, letter, echoTo, sparesSender }) => {
      const isCopy = echoTo === address;
      // Of several recipients, each sees themselves alone.
      const to = isCopy ? message.to : conversationOf(address);
      const pair = isCopy ? undefined : pairBetween(message.from, to);
      return { ...letter, sparesSender: isCopy || sparesSender, message: { ...message, to }, ...(pair && { pair }) };
    });
    return { address, letters, ...(sendingConnectionId !== undefined && { sendingConnectionId }) };
  }

  /** @returns `undefined` if nothing is known to have been done for these envelopes */
  async function attempt<T>(envelopes: readonly Envelope[], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (cause) {
      const error = problem('internal');
      onFailure(cause, error);
      for (const envelope of envelopes) envelope.error = error;
      return undefined;
    }
  }

  /** Has the user of an address accept what is in a bundle, and notes what they do not accept. */
  async function offer(bundle: Bundle, origin: Origin, look: FirstLook): Promise<AcceptedBundle | undefined> {
    const { address, envelopes } = bundle;
    const mailbox = toMailbox(bundle, origin);
    const letters = await attempt(envelopes, () => mailboxes.accept(mailbox, look));
    if (!letters) return undefined;
    const entries = envelopes.flatMap((envelope, index) => {
      const letter = letters[index];
      if (letter) return [{ envelope, letter }];
      envelope.refusedBy.add(address);
      return [];
    });
    return { mailbox, entries, look };
  }

  async function deliver({ mailbox, entries, look }: AcceptedBundle): Promise<void> {
    // Of what nobody accepts, the sender gets no copy.
    const wanted = entries.filter(({ envelope }) => !isRefused(envelope));
    const [envelopes, letters] = [wanted.map(({ envelope }) => envelope), wanted.map(({ letter }) => letter)];
    if (letters.length === 0) return;
    const outcomes = await attempt(envelopes, () => mailboxes.deliver({ ...mailbox, letters }, look));
    for (const [index, envelope] of envelopes.entries()) {
      const outcome = outcomes?.[index];
      if (outcome && envelope.recipients.has(mailbox.address)) envelope.outcomes.set(mailbox.address, outcome);
    }
  }

  return async (origin, inputs, atGate) => {
    const envelopes = inputs.map((input) => accept(origin, input));
    const bundles = bundle(envelopes);
    const [admitted, looks] = await Promise.all([
      atGate,
      mapConcurrently(bundles, MAX_CONCURRENT_MAILBOXES, ({ address }) => mailboxes.lookUp(address, origin.from)),
    ]);
    if (admitted && !admitted.ok) return admitted;
    if (admitted) forbid(bundles, admitted.value);
    const offers = bundles.flatMap(({ address, envelopes: all }, index) => {
      const allowed = all.filter(({ error }) => !error);
      const look = looks[index];
      return look && allowed.length > 0 ? [{ bundle: { address, envelopes: allowed }, look }] : [];
    });
    const accepted = await mapConcurrently(offers, MAX_CONCURRENT_MAILBOXES, ({ bundle: each, look }) =>
      offer(each, origin, look),
    );
    await mapConcurrently(
      accepted.filter((each) => each !== undefined),
      MAX_CONCURRENT_MAILBOXES,
      deliver,
    );
    return { ok: true, value: envelopes.map(summarize) };
  };
}

function addressesOf(to: MessageInput['to']): ReadonlySet<Address> {
  if ('room' in to) return new Set([roomAddress(to.room)]);
  return new Set(('user' in to ? [to.user] : to.users).map(userAddress));
}

function pairBetween(from: Sender, to: MessageInput['to']): Pair | undefined {
  return 'user' in from && 'user' in to ? pairOf(from.user, to.user) : undefined;
}

/** Who writes to themselves has the message on all their devices anyway; and so has whoever is in the room. */
function copyTo(own: Address, recipients: ReadonlySet<Address>): Pick<Envelope, 'echoTo'> {
  const [first] = recipients;
  return recipients.has(own) || first?.startsWith('room#') ? {} : { echoTo: own };
}

/** A message goes to all of its recipients or to none. */
function forbid(bundles: readonly Bundle[], { capability }: Pick<Claims, 'capability'>): void {
  for (const { address, envelopes } of bundles) {
    if (allows(capability, 'send', address)) continue;
    const error = forbidden('send', address);
    for (const envelope of envelopes) if (envelope.recipients.has(address)) envelope.error = error;
  }
}

/** By address, the sender's copies among what is meant for them. */
function bundle(envelopes: readonly Envelope[]): readonly Bundle[] {
  const bundles = new Map<Address, Bundle>();
  for (const envelope of envelopes) {
    for (const address of [...envelope.recipients, ...(envelope.echoTo === undefined ? [] : [envelope.echoTo])]) {
      const existing = bundles.get(address);
      if (existing) existing.envelopes.push(envelope);
      else bundles.set(address, { address, envelopes: [envelope] });
    }
  }
  return [...bundles.values()];
}

/** Whether none of its recipients accepts it. */
function isRefused({ recipients, refusedBy }: Envelope): boolean {
  return refusedBy.size === recipients.size;
}

const WORST_LAST: readonly DeliveryStatus[] = ['delivered', 'queued', 'stored', 'dropped'];

function summarize(envelope: Envelope): SendResult | SendFailure {
  const { message, recipients, outcomes, refusedBy, error } = envelope;
  const { id } = message;
  if (error) return { id, error };
  // Neither delivered nor kept anywhere: that must not look like an acknowledgement.
  if (isRefused(envelope)) return { id, error: problem('not_accepted') };
  const all = [...outcomes.values()];
  const worst = Math.max(...all.map(({ status }) => WORST_LAST.indexOf(status)));
  return {
    id,
    serial: all[0]?.serial ?? message.serial,
    status: WORST_LAST[worst] ?? 'dropped',
    connections: all.map(({ counts }) => counts).reduce(add, { delivered: 0, gone: 0, failed: 0 }),
    users: [...recipients].flatMap((address) => {
      const to = conversationOf(address);
      if (!('user' in to)) return [];
      return [
        { ...to, status: refusedBy.has(address) ? 'not_accepted' : (outcomes.get(address)?.status ?? 'dropped') },
      ];
    }),
    ...(all.some(({ duplicate }) => duplicate) && { duplicate: true }),
  };
}
