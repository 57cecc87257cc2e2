import {
  type DeliveryStatus,
  jsonByteLength,
  MAX_DATA_BYTES,
  type Message,
  type MessageInput,
  type Problem,
  problem,
  type Result,
  type Sender,
  type SendFailure,
  type SendResult,
} from '../protocol/index.ts';
import { type Now, toSeconds } from './clock.ts';
import { mapConcurrently } from './concurrency.ts';
import { add, type Letter, type LetterOutcome, type Mailboxes } from './mailbox.ts';

/** What sending needs. */
export interface SendDependencies {
  readonly mailboxes: Mailboxes;
  readonly now: Now;
  /** How long messages are kept, and the most that one may ask for. */
  readonly retentionSeconds: number;
  /** Mints a serial: a ULID, later ones sorting after earlier ones. */
  readonly mintSerial: (epochMs: number) => string;
  /** Makes a UUID for a message that came without an id. */
  readonly mintId: () => string;
  /** Told why a message could not be sent, for the operator: the sender learns `internal`. */
  readonly onFailure: (error: unknown) => void;
}

/** On whose behalf messages are sent. */
export interface Origin {
  readonly from: Sender;
  /** The user's connection that sends: it gets no copies of its own messages. */
  readonly connectionId?: string;
}

/** Whether the sender may send now, or why not. Asked while the recipients are being looked up. */
export type Admission = Promise<Problem | undefined>;

/**
 * The one way messages are sent, for users and services alike: in the order given, each with a result of its own.
 * Fails as a whole only when the sender is not admitted; then nothing has been sent.
 */
export type Send = (
  origin: Origin,
  inputs: readonly MessageInput[],
  admission?: Admission,
) => Promise<Result<readonly (SendResult | SendFailure)[]>>;

/** Mailboxes that are looked up, and then delivered to, at once. */
const MAX_CONCURRENT_MAILBOXES = 10;

/** One accepted message, and what became of it at each recipient. */
interface Envelope {
  readonly message: Message;
  readonly letter: Omit<Letter, 'message' | 'isCopy'>;
  readonly recipients: ReadonlySet<string>;
  readonly echoTo?: string;
  readonly outcomes: Map<string, LetterOutcome>;
  failed: boolean;
}

/** The envelopes out of which one user gets a letter, in their order. */
interface Bundle {
  readonly userId: string;
  readonly envelopes: Envelope[];
}

export function createSend(dependencies: SendDependencies): Send {
  const { mailboxes, now, retentionSeconds, mintSerial, mintId, onFailure } = dependencies;

  function accept({ from }: Origin, input: MessageInput): Envelope | SendFailure {
    const { id, to, data, store = true, ttlSeconds = retentionSeconds, retry = false, echo = false } = input;
    const error = sizeProblem(data);
    if (error) return { ...(id !== undefined && { id }), error };
    const sentAt = now();
    const recipients = new Set('user' in to ? [to.user] : to.users);
    const expiresAt = toSeconds(sentAt) + Math.min(ttlSeconds, retentionSeconds);
    return {
      message: { id: id ?? mintId(), serial: mintSerial(sentAt), from, to, data, sentAt },
      letter: { retry, ...(store && { expiresAt }) },
      recipients,
      // Who writes to themselves has the message on all their devices anyway.
      ...(echo && 'user' in from && !recipients.has(from.user) && { echoTo: from.user }),
      outcomes: new Map(),
      failed: false,
    };
  }

  async function deliver(
    { userId, envelopes }: Bundle,
    origin: Origin,
    seen: Awaited<ReturnType<Mailboxes['lookUp']>>,
  ) {
    const letters = envelopes.map(({ message, letter, echoTo }) => {
      const isCopy = echoTo === userId;
      return { ...letter, isCopy, message: isCopy ? message : { ...message, to: { user: userId } } };
    });
    const { connectionId: sendingConnectionId } = origin;
    const mailbox = { userId, letters, ...(sendingConnectionId !== undefined && { sendingConnectionId }) };
    try {
      const outcomes = await mailboxes.deliver(mailbox, seen);
      for (const [index, envelope] of envelopes.entries()) {
        const outcome = outcomes[index];
        if (outcome && envelope.recipients.has(userId)) envelope.outcomes.set(userId, outcome);
      }
    } catch (error) {
      onFailure(error);
      for (const envelope of envelopes) envelope.failed = true;
    }
  }

  return async (origin, inputs, admission) => {
    const drafts = inputs.map((input) => accept(origin, input));
    const bundles = bundle(drafts.filter((draft) => 'message' in draft));
    const [refusal, seen] = await Promise.all([
      admission,
      mapConcurrently(bundles, MAX_CONCURRENT_MAILBOXES, ({ userId }) => mailboxes.lookUp(userId)),
    ]);
    if (refusal) return { ok: false, problem: refusal };
    await mapConcurrently([...bundles.entries()], MAX_CONCURRENT_MAILBOXES, ([index, each]) =>
      deliver(each, origin, seen[index] ?? []),
    );
    return { ok: true, value: drafts.map((draft) => ('message' in draft ? summarize(draft) : draft)) };
  };
}

function sizeProblem(data: unknown): Problem | undefined {
  const bytes = jsonByteLength(data);
  if (bytes <= MAX_DATA_BYTES) return undefined;
  return problem('message_too_large', `data takes ${bytes} bytes as JSON; at most ${MAX_DATA_BYTES} are allowed`);
}

/** By user, the sender's copies among what is meant for them. */
function bundle(envelopes: readonly Envelope[]): readonly Bundle[] {
  const bundles = new Map<string, Bundle>();
  for (const envelope of envelopes) {
    for (const userId of [...envelope.recipients, ...(envelope.echoTo === undefined ? [] : [envelope.echoTo])]) {
      const existing = bundles.get(userId);
      if (existing) existing.envelopes.push(envelope);
      else bundles.set(userId, { userId, envelopes: [envelope] });
    }
  }
  return [...bundles.values()];
}

const WORST_LAST: readonly DeliveryStatus[] = ['delivered', 'queued', 'stored', 'dropped'];

function summarize({ message, recipients, outcomes, failed }: Envelope): SendResult | SendFailure {
  const { id } = message;
  if (failed) return { id, error: problem('internal') };
  const all = [...outcomes.values()];
  const worst = Math.max(...all.map(({ status }) => WORST_LAST.indexOf(status)));
  return {
    id,
    serial: all[0]?.serial ?? message.serial,
    status: WORST_LAST[worst] ?? 'dropped',
    connections: all.map(({ counts }) => counts).reduce(add, { delivered: 0, gone: 0, failed: 0 }),
    users: [...recipients].map((user) => ({ user, status: outcomes.get(user)?.status ?? 'dropped' })),
    ...(all.some(({ duplicate }) => duplicate) && { duplicate: true }),
  };
}
