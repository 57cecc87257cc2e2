import {
  type DeliveryStatus,
  type Message,
  type MessageFailure,
  type MessageInput,
  type MessageSource,
  type Problem,
  problem,
  type Result,
  type SendResult,
} from '../../protocol/index.ts';
import { type Address, conversationOf, isRoom, type Pair, pairWith, roomAddress, userAddress } from '../address.ts';
import { allows, forbidden } from '../auth/capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Claims } from '../connections/connection.ts';
import type { MintSerial } from '../serial.ts';
import {
  add,
  type Deliveries,
  type Delivery,
  type DeliveryBatch,
  type DeliveryOutcome,
  type FirstLook,
} from './delivery.ts';

/** What sending needs. */
export interface SendDependencies {
  readonly deliveries: Deliveries;
  readonly now: Now;
  /** How long messages are kept: the default and the maximum. */
  readonly retentionSeconds: number;
  readonly mintSerial: MintSerial;
  /** Makes a UUID for a message without an id. */
  readonly mintId: () => string;
  /** Called with the reason why a message could not be sent, and with the problem that the sender gets: `internal`. */
  readonly onFailure: (cause: unknown, told: Problem) => void;
}

/** On whose behalf messages are sent. */
export interface Origin {
  readonly from: MessageSource;
  /** The sending connection of a user. It never gets its own messages. */
  readonly connectionId?: string;
  /** Epoch milliseconds: when API Gateway received the frame. */
  readonly receivedAt?: number;
}

/** The answer of the gate. It arrives while the recipients are looked up. */
export type GateResult = Promise<Result<Pick<Claims, 'capability'>>>;

/**
 * Sends messages, for users and services alike: in the order given, each with a result of its own. It fails as a whole
 * only if the gate refuses the sender; then nothing is sent.
 */
export type Send = (
  origin: Origin,
  inputs: readonly MessageInput[],
  gate?: GateResult,
) => Promise<Result<readonly (SendResult | MessageFailure)[]>>;

/**
 * How long a frame may wait for its handler, in milliseconds, before a retry may have come first. A client that loses
 * its connection needs longer to open and register another one. A warm function starts within a few milliseconds.
 */
const MAX_PROMPT_MS = 100;

/** Addresses that one call looks up, and then delivers to, at once. */
const MAX_CONCURRENT_ADDRESSES = 10;

/** A message on its way, and its outcome at each recipient. */
interface Sending {
  readonly message: Message;
  readonly recipients: ReadonlySet<Address>;
  /** The deliveries of the message: one to each recipient, and one to the sender if they get a copy. */
  readonly deliveries: ReadonlyMap<Address, Delivery>;
  readonly outcomes: Map<Address, DeliveryOutcome>;
  /** The recipients who do not accept the message. */
  readonly refusedBy: Set<Address>;
  /** The message may or may not have been sent, and this is what the sender is told. */
  error?: Problem;
}

/** A delivery, and the message that it is a part of. */
interface Part extends Delivery {
  readonly sending: Sending;
}

export function createSend(dependencies: SendDependencies): Send {
  const { deliveries, now, retentionSeconds, mintSerial, mintId, onFailure } = dependencies;

  function begin({ from, receivedAt = Number.POSITIVE_INFINITY }: Origin, input: MessageInput): Sending {
    const {
      id,
      to,
      data,
      encoding,
      ephemeral = false,
      ttlSeconds = retentionSeconds,
      retry = false,
      echo = true,
    } = input;
    // A message that is not kept cannot be told from one that never was, so it gets no receipt.
    const receipt = input.receipt && !ephemeral && !('room' in to);
    const content = { data, ...(encoding !== undefined && { encoding }) };
    const sentAt = now();
    const serial = mintSerial(sentAt);
    const message = { id: id ?? mintId(), serial, from, to, ...content, sentAt, ...(receipt && { receipt }) };
    const recipients = addressesOf(to);
    const expiresAt = toSeconds(sentAt) + Math.min(ttlSeconds, retentionSeconds);
    const common = { retry, late: sentAt - receivedAt > MAX_PROMPT_MS, ...(!ephemeral && { expiresAt }) };
    const copyTo = echo && 'user' in from ? copyAddress(userAddress(from.user), recipients) : undefined;
    const parts = [...recipients].map((address): [Address, Delivery] => {
      // Each of several recipients sees only themselves.
      const own = conversationOf(address);
      const pair = pairBetween(from, own);
      return [address, { ...common, message: { ...message, to: own }, ...(pair && { pair }) }];
    });
    if (copyTo !== undefined) parts.push([copyTo, { ...common, message }]);
    return { message, recipients, deliveries: new Map(parts), outcomes: new Map(), refusedBy: new Set() };
  }

  /** @returns `undefined` if the messages may or may not have been sent */
  async function attempt<T>(parts: readonly Part[], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (cause) {
      const error = problem('internal');
      onFailure(cause, error);
      for (const { sending } of parts) sending.error = error;
      return undefined;
    }
  }

  /** Notes which messages the recipient does not accept. @returns the batch without them */
  async function accept(batch: DeliveryBatch<Part>, look: FirstLook): Promise<DeliveryBatch<Part> | undefined> {
    const all = await attempt(batch.deliveries, () => deliveries.accept(batch, look));
    if (!all) return undefined;
    for (const [index, { sending }] of batch.deliveries.entries()) {
      if (!all[index]) sending.refusedBy.add(batch.address);
    }
    return { ...batch, deliveries: all.filter((part) => part !== undefined) };
  }

  async function deliver(batch: DeliveryBatch<Part>, look: FirstLook): Promise<void> {
    // The sender gets no copy of a message that nobody accepts.
    const parts = batch.deliveries.filter(({ sending }) => !isRefused(sending));
    if (parts.length === 0) return;
    const outcomes = await attempt(parts, () => deliveries.deliver({ ...batch, deliveries: parts }, look));
    for (const [index, { sending }] of parts.entries()) {
      const outcome = outcomes?.[index];
      if (outcome && sending.recipients.has(batch.address)) sending.outcomes.set(batch.address, outcome);
    }
  }

  return async (origin, inputs, gate) => {
    const sendings = inputs.map((input) => begin(origin, input));
    const batches = toBatches(sendings, origin);
    const [passed, looks] = await Promise.all([
      gate,
      mapConcurrently(batches, MAX_CONCURRENT_ADDRESSES, ({ address }) => deliveries.lookUp(address, origin.from)),
    ]);
    if (passed && !passed.ok) return passed;
    if (passed) forbid(batches, passed.value);
    const offers = batches.flatMap((batch, index) => {
      const look = looks[index];
      const allowed = batch.deliveries.filter(({ sending }) => !sending.error);
      return look && allowed.length > 0 ? [{ batch: { ...batch, deliveries: allowed }, look }] : [];
    });
    const accepted = await mapConcurrently(offers, MAX_CONCURRENT_ADDRESSES, async ({ batch, look }) => {
      const accepted = await accept(batch, look);
      return accepted ? [{ batch: accepted, look }] : [];
    });
    // Only now does each message know who accepts it.
    await mapConcurrently(accepted.flat(), MAX_CONCURRENT_ADDRESSES, ({ batch, look }) => deliver(batch, look));
    return { ok: true, value: sendings.map(summarize) };
  };
}

function addressesOf(to: MessageInput['to']): ReadonlySet<Address> {
  if ('room' in to) return new Set([roomAddress(to.room)]);
  return new Set(('user' in to ? [to.user] : to.users).map(userAddress));
}

function pairBetween(from: MessageSource, to: MessageInput['to']): Pair | undefined {
  return 'user' in to ? pairWith(to.user, from) : undefined;
}

/**
 * Where the sender's copy goes. Nowhere, if the message reaches the sender's devices anyway: as a recipient, or in the
 * room.
 */
function copyAddress(own: Address, recipients: ReadonlySet<Address>): Address | undefined {
  const [first] = recipients;
  return recipients.has(own) || (first && isRoom(first)) ? undefined : own;
}

/** Notes the messages that the sender may not send: a message goes to all of its recipients or to none. */
function forbid(batches: readonly DeliveryBatch<Part>[], { capability }: Pick<Claims, 'capability'>): void {
  for (const { address, deliveries } of batches) {
    if (allows(capability, 'send', address)) continue;
    const error = forbidden('send', address);
    for (const { sending } of deliveries) if (sending.recipients.has(address)) sending.error = error;
  }
}

/** The deliveries of all messages, by address. The sender's copies are among the messages to the sender. */
function toBatches(sendings: readonly Sending[], { connectionId }: Origin): readonly DeliveryBatch<Part>[] {
  const byAddress = new Map<Address, Part[]>();
  for (const sending of sendings) {
    for (const [address, delivery] of sending.deliveries) {
      const parts = byAddress.get(address) ?? [];
      byAddress.set(address, parts);
      parts.push({ ...delivery, sending });
    }
  }
  return [...byAddress].map(([address, parts]) => ({ address, deliveries: parts, sendingConnectionId: connectionId }));
}

/** Whether no recipient accepts the message. */
function isRefused({ recipients, refusedBy }: Sending): boolean {
  return refusedBy.size === recipients.size;
}

const WORST_LAST: readonly DeliveryStatus[] = ['sent', 'queued', 'stored', 'dropped'];

function summarize(sending: Sending): SendResult | MessageFailure {
  const { message, recipients, outcomes, refusedBy, error } = sending;
  const { id } = message;
  if (error) return { id, error };
  // Neither delivered nor kept: this must not look like an acknowledgement.
  if (isRefused(sending)) return { id, error: problem('not_accepted') };
  const all = [...outcomes.values()];
  const worst = Math.max(...all.map(({ status }) => WORST_LAST.indexOf(status)));
  return {
    id,
    serial: all[0]?.serial ?? message.serial,
    status: WORST_LAST[worst] ?? 'dropped',
    connections: all.map(({ counts }) => counts).reduce(add, { sent: 0, gone: 0, failed: 0 }),
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
