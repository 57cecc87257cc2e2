import type { MessageInput, SendResult } from '../../protocol/index.ts';
import { MAX_DATA_BYTES, MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { throwIfAborted } from '../base/abort.ts';
import { createQueue } from '../base/queue.ts';
import { ClientPart } from '../client.ts';
import type { OpenConnection } from '../connection/context.ts';
import { createPacer } from '../connection/pacer.ts';
import type { Core } from '../core.ts';
import type { SendingPart } from '../parts.ts';
import type { EncodedData } from './data.ts';
import { MessageSender } from './message-sender.ts';
import { Outbox, type WaitOptions } from './outbox.ts';
import { encodeMessage, type MessageFields } from './outgoing.ts';

/** What holds as long as the server has not told its limits. */
const DEFAULT_LIMITS = { maxDataBytes: MAX_DATA_BYTES, maxFrameBytes: MAX_FRAME_BYTES };

/** Sends messages, within the rate of the connection. */
class Sending extends ClientPart implements SendingPart {
  readonly outbox: Outbox;
  readonly #sender: MessageSender;
  /** Encoding may take a while; messages are queued in the order of the calls all the same. */
  readonly #encoding = createQueue();

  constructor(core: Core) {
    super(core);
    this.outbox = new Outbox(core.environment, core.clock, core.options.maxQueuedMessages, () => core.notify('outbox'));
    this.#sender = new MessageSender(core, this.outbox, ({ text }) => this.onSending(JSON.parse(text)));
    core.early.handOver(this);
  }

  async send(
    fields: MessageFields,
    encode: () => EncodedData | Promise<EncodedData>,
    wait: WaitOptions,
  ): Promise<SendResult> {
    this.outbox.requireRoom(this.#encoding.length);
    return this.#encoding.run(encode, (encoded) => this.#enqueue(fields, encoded, wait));
  }

  wake(): void {
    this.#sender.wake();
  }

  onSending({ to, id = '', echo = false }: MessageInput): void {
    const { state, user, parts } = this.core;
    const own = state.status === 'connected' ? state.userId : '';
    const isToOwn = 'users' in to ? to.users.includes(own) : 'user' in to && to.user === own;
    if (isToOwn || echo === 'room' in to) return;
    const feed = 'room' in to ? parts.calls?.feedOf({ to }) : user;
    feed?.addOwn({ id, from: { user: own } });
  }

  override onEvent(event: string): void {
    if (event === 'connected') this.wake();
    if (event === 'time') this.outbox.onTime();
    if (event === 'over') this.#sender.stop();
  }

  override renew(connection: OpenConnection): undefined {
    connection.pacer ??= createPacer(this.core.environment, connection);
  }

  #enqueue(fields: MessageFields, data: EncodedData, wait: WaitOptions): Promise<SendResult> {
    throwIfAborted(wait.signal);
    const message = encodeMessage(fields, data, this.core.connection?.limits ?? DEFAULT_LIMITS);
    if (this.core.over) throw this.core.over;
    const result = this.outbox.add(message, wait);
    this.wake();
    return result;
  }
}

export function createPart(core: Core): SendingPart {
  return new Sending(core);
}
