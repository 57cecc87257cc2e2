import type { Json, MessageInput, SendResult, Shown } from '../../protocol/index.ts';
import { isObject } from '../../protocol/json.ts';
import { MAX_DATA_BYTES, MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { ReceivedMessage } from '../api.ts';
import { throwIfAborted } from '../base/abort.ts';
import { createQueue } from '../base/queue.ts';
import { randomId } from '../base/random-id.ts';
import { ClientPart } from '../client.ts';
import type { OpenConnection } from '../connection/context.ts';
import type { Fields } from '../connection/frames.ts';
import { createPacer } from '../connection/pacer.ts';
import type { Core } from '../core.ts';
import type { BeckonError } from '../errors.ts';
import type { SendingPart } from '../parts.ts';
import type { Feed } from '../receiving/feed.ts';
import { MessageMemory, type OwnMessage } from '../receiving/message-memory.ts';
import { groupBySender } from '../receiving/shown.ts';
import type { EncodedData } from './data.ts';
import { MessageSender } from './message-sender.ts';
import { Outbox, type OutboxChange, type WaitOptions } from './outbox.ts';
import { encodeMessage, type MessageFields, type To } from './outgoing.ts';

/** What holds as long as the server has not told its limits. */
const DEFAULT_LIMITS = { maxDataBytes: MAX_DATA_BYTES, maxFrameBytes: MAX_FRAME_BYTES };

/** How long a signal may wait to be sent, milliseconds. */
const SIGNAL_EXPIRY_MS = 4_000;

/** The most ids that are remembered of messages that the server may have. */
const MAX_DOUBTFUL = 1_000;

/** Sends messages, within the rate of the connection, and tells the server which messages were shown. */
class Sending extends ClientPart implements SendingPart {
  readonly outbox: Outbox;
  readonly memory: MessageMemory;
  readonly #sender: MessageSender;
  /** The ids of messages that were given up, and that the server may have: the next message with the id is a retry. */
  readonly #doubtful = new Set<string>();
  /** Encoding may take a while; messages are queued in the order of the calls all the same. */
  readonly #encoding = createQueue();

  constructor(core: Core) {
    super(core);
    this.outbox = new Outbox(core.environment, core.clock, core.options.maxQueuedMessages, (change) =>
      this.#onOutbox(change),
    );
    this.memory = new MessageMemory(core.clock);
    this.#sender = new MessageSender(core, this.outbox, ({ text }) => this.onSending(JSON.parse(text)));
    this.#beginMemory();
    // What came before this part. What is sent now is no news: the server knows it.
    if (core.user.hasNews) queueMicrotask(() => this.onEvent('news', undefined));
    core.early.handOver(this);
  }

  async send(
    fields: MessageFields,
    encode: () => EncodedData | Promise<EncodedData>,
    wait: WaitOptions,
  ): Promise<SendResult> {
    const { id = randomId(this.core.environment) } = fields;
    this.outbox.requireRoom(this.#encoding.length);
    return this.#encoding.run(encode, (encoded) => this.#enqueue({ ...fields, id }, encoded, wait));
  }

  rejectAll(error: BeckonError): void {
    this.outbox.rejectAll(error, { kept: this.core.parts.storage?.keeps ?? false });
  }

  wake(): void {
    this.#sender.wake();
  }

  signal(to: To, encoding: string, data: Json): void {
    const json = JSON.stringify(data);
    // A room's members get it anyway.
    const echo = 'room' in to ? {} : { echo: false };
    const fields = { to, id: randomId(this.core.environment), ephemeral: true, ...echo };
    const wait = { expiresAfterMs: SIGNAL_EXPIRY_MS, signal: undefined };
    this.send(fields, () => ({ json, bytes: json.length, encoding }), wait).catch(() => {});
  }

  onSending({ to, id = '', echo = true }: MessageInput): void {
    const { userId: own, user, parts } = this.core;
    const isToOwn = 'users' in to ? to.users.includes(own) : 'user' in to && to.user === own;
    if (!('room' in to || echo || isToOwn)) return;
    const feed = 'room' in to ? parts.calls?.feedOf({ to }) : user;
    feed?.addOwn({ id, from: { user: own } });
  }

  shownOf({ cursor, dedupe }: Feed): readonly Shown[] {
    // What a resume from the cursor would bring again.
    const again = [...dedupe.seen].filter(([, { sentMs }]) => sentMs >= cursor.horizonMs);
    return groupBySender(again.map(([key]) => key).reverse());
  }

  override onEvent(event: string, value: unknown): void {
    // The ping says it. A page that closes before its first heartbeat would get the same messages again next time.
    if (event === 'news') this.core.session.connection?.keeper?.check();
    if (event === 'connected') this.wake();
    if (event === 'state' || event === 'connected') this.#beginMemory();
    if (event === 'gap') this.memory.beginAnew();
    if (event === 'message') this.memory.add(value as ReceivedMessage);
    if (event === 'own') this.memory.add(value as OwnMessage);
    if (event === 'time') this.outbox.onTime();
    if (event === 'over') this.#sender.stop();
  }

  override accepts({ type, results }: Fields): boolean {
    return type === 'ack' && Array.isArray(results) && results.every(isObject);
  }

  override renew(connection: OpenConnection): undefined {
    connection.pacer ??= createPacer(this.core.environment, connection);
  }

  #enqueue(fields: MessageFields, data: EncodedData, wait: WaitOptions): Promise<SendResult> {
    throwIfAborted(wait.signal);
    const message = encodeMessage(fields, data, this.core.connection?.limits ?? DEFAULT_LIMITS);
    if (this.core.over) throw this.core.over;
    const result = this.outbox.add(message, wait, this.#doubtful.has(fields.id ?? ''));
    this.wake();
    return result;
  }

  #beginMemory(): void {
    if (this.core.state.status === 'connected') this.memory.begin();
  }

  #onOutbox(change: OutboxChange): void {
    const { core } = this;
    const { text, result, error } = change;
    core.notify('outbox', change);
    if (result) core.notify('own', { text, serial: result.serial });
    if (!(error as BeckonError | undefined)?.maybeDelivered) return;
    this.memory.beginAnew();
    this.#doubtful.add(JSON.parse(text).id);
    const [oldest = ''] = this.#doubtful;
    if (this.#doubtful.size > MAX_DOUBTFUL) this.#doubtful.delete(oldest);
  }
}

export function createPart(core: Core): SendingPart {
  return new Sending(core);
}
