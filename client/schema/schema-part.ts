import type { Json, Message } from '../../protocol/index.ts';
import type { Schema, SchemaResult } from '../../protocol/schema.ts';
import { SIGNAL_PREFIX } from '../../protocol/signals.ts';
import { invalidDataError, validate } from '../../protocol/validate.ts';
import type { InvalidMessage, ReceivedMessage } from '../api.ts';
import { createQueue } from '../base/queue.ts';
import { ClientPart } from '../client.ts';
import type { Core } from '../core.ts';
import type { SchemaPart } from '../parts.ts';
import type { EncodedData } from '../sending/data.ts';

/** The results of calls that have messages in them. */
interface Pages {
  readonly messages?: readonly ReceivedMessage[];
  readonly conversations?: readonly { readonly last?: ReceivedMessage }[];
}

/**
 * Checks data against the schema of the client. Messages stay as they arrived until the application gets them: other tabs and the storage
 * know nothing of the schema.
 */
class CheckedClient extends ClientPart implements SchemaPart {
  readonly #schema: Schema;
  /** The schema may take a while; messages are sent, and handed on, in their order all the same. */
  readonly #sending = createQueue();
  readonly #hearing = createQueue();
  /** By the message that arrived. */
  readonly #outcomes = new WeakMap<object, SchemaResult<unknown>>();
  /** What arrived, by the value of the event that tells the application. */
  readonly #arrived = new WeakMap<object, ReceivedMessage>();

  constructor(core: Core, schema: Schema) {
    super(core);
    this.#schema = schema;
  }

  send<R>(
    encode: () => EncodedData | Promise<EncodedData>,
    post: (encode: () => EncodedData) => R | Promise<R>,
  ): R | Promise<R> {
    return this.#sending.run(
      async () => {
        const encoded = await encode();
        await this.#checkSent(encoded);
        return encoded;
      },
      (encoded) => post(() => encoded),
    ) as Promise<R>;
  }

  hear(messages: readonly Message[], then: () => void): void {
    void this.#hearing.run(() => (messages.length > 0 ? this.check(messages) : messages), then);
  }

  async check(messages: readonly Message[]): Promise<readonly Message[]> {
    await Promise.all(messages.map((message) => this.#check(message)));
    return messages;
  }

  accept(message: ReceivedMessage): ReceivedMessage | undefined {
    const { issues } = this.#outcomes.get(message) ?? {};
    if (issues) {
      const invalid: InvalidMessage = { message, issues };
      this.#arrived.set(invalid, message);
      this.core.emit('invalid', invalid);
    }
    return this.valid(message);
  }

  valid(message: ReceivedMessage): ReceivedMessage | undefined {
    const outcome = this.#outcomes.get(message);
    if (!outcome) return message;
    if (outcome.issues) return undefined;
    const valid = { ...message, data: outcome.value as ReceivedMessage['data'] };
    this.#arrived.set(valid, message);
    return valid;
  }

  async checkResult(result: unknown): Promise<unknown> {
    const { messages, conversations } = (result ?? {}) as Pages;
    if (messages) return { ...(result as Pages), messages: await this.#accepted(messages) };
    if (!conversations) return result;
    const checked = conversations.map(async ({ last, ...listed }) => {
      const [valid] = await this.#accepted(last ? [last] : []);
      return { ...listed, ...(valid && { last: valid }) };
    });
    return { ...(result as Pages), conversations: await Promise.all(checked) };
  }

  arrived(told: ReceivedMessage | InvalidMessage): ReceivedMessage {
    return this.#arrived.get(told) ?? (told as ReceivedMessage);
  }

  async #accepted(messages: readonly ReceivedMessage[]): Promise<readonly ReceivedMessage[]> {
    await this.check(messages as readonly Message[]);
    return messages.flatMap((message) => this.accept(message) ?? []);
  }

  async #checkSent({ json, encoding }: EncodedData): Promise<void> {
    const encoded = { data: JSON.parse(json) as Json, ...(encoding !== undefined && { encoding }) } as Message;
    const [message] = encoding === undefined ? [encoded] : await (await this.core.load('encoding')).decode([encoded]);
    const { issues } = await validate(this.#schema, message?.data);
    if (issues) throw invalidDataError(issues);
  }

  async #check(message: Message): Promise<void> {
    if (this.#outcomes.has(message) || message.encoding?.startsWith(SIGNAL_PREFIX)) return;
    this.#outcomes.set(message, await validate(this.#schema, message.data));
  }
}

export function createPart(core: Core): SchemaPart {
  return new CheckedClient(core, core.options.schema as Schema);
}
