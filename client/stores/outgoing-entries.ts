import { SIGNAL_PREFIX } from '../../protocol/signals.ts';
import type { Client, ReceivedMessage, SendOptions } from '../api.ts';
import { randomId } from '../base/random-id.ts';
import type { Core } from '../core.ts';
import { BeckonError } from '../index.ts';
import { serialTimeMs } from '../receiving/cursor.ts';
import type { OwnMessage } from '../receiving/message-memory.ts';
import type { OutboxChange } from '../sending/outbox.ts';
import { type Entry, type EntryList, ownKey } from './entries.ts';
import { readOwn } from './own-messages.ts';
import { isBetween, type Peer } from './peer.ts';

/** What the parts of a conversation have in common. */
export interface ConversationParts<Data> {
  readonly core: Core;
  readonly client: Client<Data, never>;
  readonly peer: Peer;
  readonly list: EntryList<Data>;
  /** Aborts when the conversation is closed. */
  readonly signal: AbortSignal;
  /** Takes over a message that the server has. */
  place(message: ReceivedMessage<Data>): void;
  changed(): void;
}

/** The entries of messages that are sent here: by the conversation, by other parts of the page, or by the page before this one. */
export class OutgoingEntries<Data> {
  readonly #parts: ConversationParts<Data>;
  /** What belongs to every message that the conversation sends. */
  readonly #defaults: SendOptions;
  readonly #onDoubt: (sinceMs: number) => void;
  /** What `retry` needs, by key. */
  readonly #options = new Map<string, SendOptions>();

  /** @param onDoubt Called when the server may have a message that was given up, with the time of its sending. */
  constructor(parts: ConversationParts<Data>, defaults: SendOptions, onDoubt: (sinceMs: number) => void) {
    this.#parts = parts;
    this.#defaults = defaults;
    this.#onDoubt = onDoubt;
    for (const { text } of parts.core.parts.sending?.outbox.snapshot() ?? []) void this.onOutbox({ text });
  }

  /** Sends a message, unless there is an error. */
  send(data: Data, options: SendOptions, error: BeckonError | undefined): Entry<Data> {
    const { environment, clock, userId } = this.#parts.core;
    const { id = randomId(environment) } = options;
    const key = ownKey(id);
    const entry = { key, id, from: { user: userId }, data, sentAt: clock.now(), isOwn: true };
    if (error) return { ...entry, status: 'failed', error };
    this.#options.set(key, { ...this.#defaults, ...options, id });
    return this.#transmit({ ...entry, status: 'sending' });
  }

  retry(key: string): void {
    const { list } = this.#parts;
    const entry = list.get(key);
    if (entry?.status !== 'failed') return;
    const { error: _, ...others } = entry;
    // A signal that has aborted would take the message back again.
    const { signal: __, ...options } = this.#options.get(key) ?? {};
    this.#options.set(key, options);
    list.discard(key);
    this.#transmit({ ...others, status: 'sending' });
  }

  discard(key: string): void {
    const { list, changed } = this.#parts;
    if (list.get(key)?.status !== 'failed') return;
    list.discard(key);
    this.forget(key);
    changed();
  }

  /** The server has the message: nobody sends it again. */
  forget(key: string): void {
    this.#options.delete(key);
  }

  /** A message was queued or settled, perhaps by another part of the application, or by the page before this one. */
  async onOutbox({ text, result, error }: OutboxChange): Promise<void> {
    if (result) return;
    const { core, list, peer, signal, changed } = this.#parts;
    const { to, id, data, encoding, ...options } = JSON.parse(text);
    const key = ownKey(id);
    const from = { user: core.userId };
    if (list.get(key) ? error === undefined : !isOwnOf(peer, { from, to, encoding })) return;
    if (error !== undefined) {
      this.#giveUp(key, error);
      return;
    }
    const queued = { id, from, to, data, sentAt: core.clock.now(), serial: '', ...(encoding && { encoding }) };
    const message = await readOwn<Data>(core, queued);
    // Meanwhile it may be settled.
    if (!message || signal.aborted || list.get(key) || !core.parts.sending?.outbox.has(text)) return;
    this.#options.set(key, { ...options, id });
    list.wait({ ...entryOf(message), key, isOwn: true, status: 'sending' });
    changed();
  }

  /** The server has accepted a message of this device. */
  async onOwn({ text, serial }: OwnMessage): Promise<void> {
    const { core, list, peer, signal, place, changed } = this.#parts;
    const { to, id, data, encoding } = JSON.parse(text);
    const from = { user: core.userId };
    const known = list.get(ownKey(id));
    if (!known && !isOwnOf(peer, { from, to, encoding })) return;
    const sent = { id, from, to, data, sentAt: serialTimeMs(serial), serial, ...(encoding && { encoding }) };
    // What is an entry was decoded before.
    const message = known ? { ...sent, data: known.data } : await readOwn<Data>(core, sent);
    if (!message || signal.aborted) return;
    place(message);
    changed();
  }

  #transmit(entry: Entry<Data>): Entry<Data> {
    const { list, signal, changed } = this.#parts;
    list.wait(entry);
    changed();
    this.#post(entry).catch((error) => {
      if (!signal.aborted) this.#giveUp(entry.key, error);
    });
    return entry;
  }

  async #post({ key, data }: Entry<Data>): Promise<void> {
    const { client, peer } = this.#parts;
    const options = this.#options.get(key);
    if ('service' in peer) throw new TypeError('send: a service only sends; send to a user or a room');
    if ('room' in peer) await client.sendToRoom(peer.room, data as never, options);
    else await client.sendToUser(peer.user, data as never, options);
  }

  /** Who has taken a message back, by its signal, knows it. */
  #giveUp(key: string, error: unknown): void {
    const { list, changed } = this.#parts;
    const entry = list.get(key);
    if (!entry || entry.serial !== undefined) return;
    const isFailure = error instanceof BeckonError || error instanceof TypeError;
    if (isFailure) list.wait({ ...entry, status: 'failed', error });
    else list.discard(key);
    if (error instanceof BeckonError && error.maybeDelivered) this.#onDoubt(entry.sentAt);
    changed();
  }
}

/** The part of an entry that a message has. */
export function entryOf<Data>({ id, from, data, encoding, sentAt }: ReceivedMessage<Data>) {
  return { id, from, data, sentAt, ...(encoding !== undefined && { encoding }) };
}

/** Whether a message of this user belongs to the conversation with the peer, and is not a signal. */
function isOwnOf(peer: Peer, message: Pick<ReceivedMessage, 'to' | 'encoding'> & { from: { user: string } }): boolean {
  return !message.encoding?.startsWith(SIGNAL_PREFIX) && isBetween(peer, message.from.user, message);
}
