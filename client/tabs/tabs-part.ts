import type { Limits, Message, MessageInput, PresenceReply } from '../../protocol/index.ts';
import type { ClientEvents, InvalidMessage, ReceivedMessage } from '../api.ts';
import type { CallName } from '../calls/call-names.ts';
import { ClientPart } from '../client.ts';
import type { SendingConnection } from '../connection/context.ts';
import type { Outcome } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import type { BeckonError } from '../errors.ts';
import type { CallsPart, InnerEvents, Interest, TabsPart } from '../parts.ts';
import type { Feed } from '../receiving/feed.ts';
import type { ConnectionState } from '../state.ts';
import { recordPrefix } from '../storage/records.ts';
import { sharingOf } from '../storage/sharing.ts';
import type { Snapshot } from '../storage/storage.ts';
import { Tabs } from './tabs.ts';
import type { Told } from './words.ts';

/** What the leader's connection is like. */
interface Status {
  readonly state: ConnectionState;
  readonly limits: Limits | undefined;
  /** By how much the server's clock is ahead of the device's, which all tabs have in common. */
  readonly aheadMs: number | undefined;
}

/** Events that are the business of one tab alone. */
const OWN_EVENTS: readonly string[] = ['error', 'result', 'outbox', 'news', 'time', 'connected', 'over'];

/** What tabs tell each other that is no event of the application. */
const INNER_EVENTS: readonly string[] = ['own', 'signal', 'read'];

/** Shares the connection of one client among the clients of a user's tabs, where the runtime can. */
class SharedClient extends ClientPart implements TabsPart {
  readonly #tabs: Tabs | undefined;
  /** What the tab that holds the connection has told last. `undefined`: this one holds it, or nobody does yet. */
  #told: Status | undefined;

  constructor(core: Core) {
    super(core);
    const { environment, options, session } = core;
    const { locks, openChannel } = sharingOf(environment);
    if (!locks || !openChannel) return;
    this.#tabs = new Tabs({ ...environment, locks, openChannel }, options.livenessTimeoutMs, {
      invoke: (name, args) => this.#calls.invoke(name, args),
      request: (frame, units) => this.#request(frame, units),
      lead: () => this.#lead(),
      follow: () => session.pause(),
      signOut: () => void this.#calls.signOut().catch((error) => core.emit('error', error)),
      onTold: (event, value) => this.#hear(event, value),
      greeting: () => this.#greeting(),
      horizonMs: () => this.#calls.horizonMs,
    });
  }

  get connection(): SendingConnection | undefined {
    return this.#told?.limits && this.#tabs?.connectionWith(this.#told.limits);
  }

  get state(): ConnectionState | undefined {
    return this.#told?.state;
  }

  async open(user: string): Promise<void> {
    await this.#tabs?.join(recordPrefix(this.core.options.url, user));
  }

  invoke(name: CallName, args: readonly unknown[]): Promise<unknown> {
    return (this.#tabs ?? this.#calls).invoke(name, args);
  }

  override onEvent(event: keyof ClientEvents | keyof InnerEvents, value: unknown): void {
    if (event === 'over') {
      this.#told = undefined;
      this.#tabs?.close(value as BeckonError);
    } else if (event === 'signOut') this.#tabs?.signOut();
    else if (event === 'cursor') this.#tabs?.tell('progress', { feeds: this.#calls.progress(value as Feed) });
    else if (event === 'interest') this.#tabs?.tell(event, this.#calls.interest);
    else if (event === 'state') this.#tabs?.tell(event, this.#status);
    // As it arrived: each tab has a schema of its own.
    else if (event === 'message' || event === 'invalid')
      this.#tabs?.tell('message', this.core.parts.schema?.arrived(value as ReceivedMessage | InvalidMessage) ?? value);
    else if (!OWN_EVENTS.includes(event)) this.#tabs?.tell(event, value);
  }

  /** The core loads it before this part. */
  get #calls(): CallsPart {
    return this.core.parts.calls as CallsPart;
  }

  get #status(): Status {
    const { session, clock } = this.core;
    return { state: session.state, limits: session.connection?.limits, aheadMs: clock.aheadMs };
  }

  #greeting(): readonly Told[] {
    return [
      ['interest', this.#calls.interest],
      ['progress', { feeds: this.#calls.snapshot() }],
      ['state', this.#status],
    ];
  }

  #lead(): void {
    const { status = 'connecting' } = this.#told?.state ?? {};
    this.#told = undefined;
    this.core.session.start(status === 'connecting' ? status : 'recovering');
  }

  /** Sends the messages of another tab: on the same connection, so this tab gets no copy of them either. */
  async #request(frame: string, units: number | undefined): Promise<Outcome> {
    const { id: _, ...fields } = JSON.parse(frame);
    const { core } = this;
    const messages: readonly MessageInput[] = fields.messages;
    for (const message of messages) core.parts.sending?.onSending(message);
    const { connection } = core.session;
    if (!connection) return { kind: 'lost' };
    const outcome = await connection.request((id) => JSON.stringify({ ...fields, id }), units);
    if (outcome.kind === 'reply' && outcome.reply.type === 'ack') {
      for (const [index, result] of outcome.reply.results.entries()) {
        if ('serial' in result) core.notify('own', { text: JSON.stringify(messages[index]), serial: result.serial });
      }
    }
    return outcome;
  }

  #hear(event: string, value: unknown): void {
    const { core } = this;
    const then = () => this.#onTold(event, value);
    if (!core.options.schema) then();
    else
      core.load('schema').then(
        (schema) => schema.hear(event === 'message' ? [value as Message] : [], then),
        (error: BeckonError) => void core.emit('error', error),
      );
  }

  #onTold(event: string, value: unknown): void {
    const { core } = this;
    if (event === 'progress') this.#calls.restore((value as Snapshot).feeds);
    else if (event === 'interest') this.#calls.interest = value as Interest;
    else if (event === 'presence') this.#calls.onPush(value as PresenceReply);
    else if (INNER_EVENTS.includes(event)) core.notify(event as 'own', value);
    else if (event === 'message') core.handOn(this.#calls.feedOf(value as Message), value as Message);
    else if (event === 'state') this.#onStatus(value as Status);
    else core.emit(event as 'gap', value as ClientEvents['gap']);
  }

  #onStatus(status: Status): void {
    const { core } = this;
    this.#told = status;
    core.clock.follow(status.aheadMs);
    core.emit('state', status.state);
    core.parts.sending?.wake();
  }
}

export function createPart(core: Core): TabsPart {
  return new SharedClient(core);
}
