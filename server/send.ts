import {
  type ConnectionCounts,
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
import { userAddress } from './address.ts';
import type { Now } from './clock.ts';
import { mapConcurrently } from './concurrency.ts';
import type { Delivery } from './delivery.ts';
import type { Directory, Mapping } from './directory.ts';

/** What sending needs. */
export interface SendDependencies {
  readonly directory: Directory;
  readonly delivery: Delivery;
  readonly now: Now;
  /** Mints a serial: a ULID, later ones sorting after earlier ones. */
  readonly mintSerial: (epochMs: number) => string;
  /** Makes a UUID for a message that came without an id. */
  readonly mintId: () => string;
}

/** Whether the sender may send now, or why not. Asked while the recipients are being looked up. */
export type Admission = Promise<Problem | undefined>;

/**
 * The one way messages are sent, for users and services alike: in the order given, each with a result of its own.
 * Fails as a whole only when the sender is not admitted; then nothing has been sent.
 */
export type Send = (
  from: Sender,
  inputs: readonly MessageInput[],
  admission?: Admission,
) => Promise<Result<readonly (SendResult | SendFailure)[]>>;

/** Recipients that are looked up, and then delivered to, at once. */
const MAX_CONCURRENT_RECIPIENTS = 10;

/** One accepted message, and what became of it at each recipient. */
interface Envelope {
  readonly message: Omit<Message, 'to'>;
  readonly recipients: ReadonlySet<string>;
  readonly counts: Map<string, ConnectionCounts>;
}

export function createSend({ directory, delivery, now, mintSerial, mintId }: SendDependencies): Send {
  function accept(from: Sender, { id, to, data }: MessageInput): Envelope | SendFailure {
    const error = sizeProblem(data);
    if (error) return { ...(id !== undefined && { id }), error };
    const sentAt = now();
    return {
      message: { id: id ?? mintId(), serial: mintSerial(sentAt), from, data, sentAt },
      recipients: new Set('user' in to ? [to.user] : to.users),
      counts: new Map(),
    };
  }

  async function deliverTo(user: string, targets: readonly Mapping[], envelopes: readonly Envelope[]): Promise<void> {
    const counts = await delivery.deliver(
      targets,
      envelopes.map(({ message }) => ({ ...message, to: { user } })),
    );
    for (const [index, envelope] of envelopes.entries()) envelope.counts.set(user, counts[index] ?? NO_CONNECTIONS);
  }

  return async (from, inputs, admission) => {
    const drafts = inputs.map((input) => accept(from, input));
    const mailboxes = [...byRecipient(drafts.filter((draft) => 'message' in draft))];
    const find = ([user]: [string, readonly Envelope[]]) => directory.find(userAddress(user));
    const [refusal, targets] = await Promise.all([
      admission,
      mapConcurrently(mailboxes, MAX_CONCURRENT_RECIPIENTS, find),
    ]);
    if (refusal) return { ok: false, problem: refusal };
    await mapConcurrently([...mailboxes.entries()], MAX_CONCURRENT_RECIPIENTS, ([index, [user, envelopes]]) =>
      deliverTo(user, targets[index] ?? [], envelopes),
    );
    return { ok: true, value: drafts.map((draft) => ('message' in draft ? summarize(draft) : draft)) };
  };
}

const NO_CONNECTIONS: ConnectionCounts = { delivered: 0, gone: 0, failed: 0 };

function sizeProblem(data: unknown): Problem | undefined {
  const bytes = jsonByteLength(data);
  if (bytes <= MAX_DATA_BYTES) return undefined;
  return problem('message_too_large', `data takes ${bytes} bytes as JSON; at most ${MAX_DATA_BYTES} are allowed`);
}

function byRecipient(envelopes: readonly Envelope[]): ReadonlyMap<string, readonly Envelope[]> {
  const mailboxes = new Map<string, Envelope[]>();
  for (const envelope of envelopes) {
    for (const user of envelope.recipients) {
      const mailbox = mailboxes.get(user);
      if (mailbox) mailbox.push(envelope);
      else mailboxes.set(user, [envelope]);
    }
  }
  return mailboxes;
}

function summarize({ message, recipients, counts }: Envelope): SendResult {
  const users = [...recipients].map((user) => {
    const ofUser = counts.get(user) ?? NO_CONNECTIONS;
    return { user, status: ofUser.delivered > 0 ? ('delivered' as const) : ('dropped' as const) };
  });
  const sum = (outcome: keyof ConnectionCounts) =>
    [...counts.values()].reduce((total, each) => total + each[outcome], 0);
  return {
    id: message.id,
    serial: message.serial,
    status: users.every(({ status }) => status === 'delivered') ? 'delivered' : 'dropped',
    connections: { delivered: sum('delivered'), gone: sum('gone'), failed: sum('failed') },
    users,
  };
}
