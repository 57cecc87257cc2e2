import type { SendResult } from '../protocol/index.ts';
import type {
  CallOptions,
  Client,
  ClientEvents,
  Counters,
  Disposing,
  ListenOptions,
  MessagesOptions,
  ReceivedMessage,
  SendOptions,
} from './api.ts';
import { onAbort } from './base/abort.ts';
import type { Emitter } from './base/events.ts';
import { within } from './base/timer.ts';
import { CALL_NAMES, type CallName } from './calls/call-names.ts';
import type { OpenConnection } from './connection/context.ts';
import type { Fields } from './connection/frames.ts';
import { Core, type Loaders } from './core.ts';
import type { Environment } from './environment.ts';
import { describeCode } from './errors.ts';
import { CORE } from './inner.ts';
import { checkCall, checkCount, checkDuration, checkNames, checkSignal, type Options } from './options.ts';
import type { InnerEvents, Part } from './parts.ts';
import { Inbox } from './receiving/inbox.ts';
import type { MessageFields } from './sending/outgoing.ts';
import type { ConnectionState, Reason } from './state.ts';

const DEFAULT_MAX_BUFFERED = 1_000;
/** Why a client is over that the application has closed. */
export const CLOSED: Reason = { code: 'closed', message: describeCode('closed') };

/** A part of the client that a page loads when it first needs it. A part does with the core what it needs. */
export abstract class ClientPart implements Part {
  readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  onEvent(_event: keyof ClientEvents | keyof InnerEvents, _value: unknown): void {}

  accepts(_frame: Fields): boolean {
    return false;
  }

  renew(_connection: OpenConnection, _rooms: readonly string[]): Promise<unknown> | undefined {
    return undefined;
  }
}

/** The methods that the class gets from tables, below. */
export interface SessionClient<Incoming, Outgoing>
  extends Pick<Client<Incoming, Outgoing>, CallName | keyof Disposing> {}

/** What the application calls: checks what it is given. Applications call `connect`; tests bring an environment of their own. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class gets these methods from tables
export class SessionClient<Incoming, Outgoing> implements Client<Incoming, Outgoing> {
  readonly #core: Core;

  /** @param environment Default: the runtime's own. */
  constructor(options: Options, loaders: Loaders, environment?: Environment) {
    this.#core = new Core(options, loaders, environment);
    const { emitter, session } = this.#core;
    const stopWaiting = onAbort(options.signal, () => this.close());
    emitter.on('state', () => {
      if (this.#core.over) stopWaiting();
    });
    if (!this.#core.over) session.start();
  }

  get [CORE](): Core {
    return this.#core;
  }

  get state(): ConnectionState {
    return this.#core.state;
  }

  get counters(): Counters {
    return { ...this.#core.counters };
  }

  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToUser', { user }, data, options);
  }

  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToUsers', { users }, data, options);
  }

  sendToRoom(room: string, data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToRoom', { room }, data, options);
  }

  on<E extends keyof ClientEvents<Incoming>>(
    event: E,
    listener: (value: ClientEvents<Incoming>[E]) => void,
    options: ListenOptions = {},
  ): () => void {
    checkNames('on', options, ['signal']);
    const emitter = this.#core.emitter as Emitter<object> as Emitter<ClientEvents<Incoming>>;
    return emitter.on(event, listener, checkSignal('on', options.signal));
  }

  messages(options: MessagesOptions = {}): AsyncIterableIterator<ReceivedMessage<Incoming>> {
    checkNames('messages', options, ['signal', 'maxBuffered']);
    const signal = checkSignal('messages', options.signal);
    const maxBuffered = checkCount('messages', 'maxBuffered', options.maxBuffered ?? DEFAULT_MAX_BUFFERED);
    const listening = new AbortController();
    const inbox = new Inbox<ReceivedMessage<Incoming>>(maxBuffered, () => listening.abort());
    // The loop just ends when the client was closed, and throws when it failed.
    const endIfOver = () => {
      const { over } = this.#core;
      if (over) inbox.end(over.code === 'closed' ? undefined : over);
    };
    const untilEnd = { signal: listening.signal };
    this.on('message', (message) => inbox.push(message), untilEnd);
    this.on('state', endIfOver, untilEnd);
    onAbort(
      listening.signal,
      onAbort(signal, () => inbox.end()),
    );
    endIfOver();
    return inbox;
  }

  async ready(options: CallOptions = {}): Promise<void> {
    checkCall('ready', options);
    if (this.state.status === 'connected') return;
    await this.#until('state', ({ status }) => status === 'connected', options);
  }

  async once<E extends keyof ClientEvents<Incoming>>(
    event: E,
    options: CallOptions = {},
  ): Promise<ClientEvents<Incoming>[E]> {
    checkCall('once', options);
    return this.#until(event, () => true, options);
  }

  close(): void {
    this.#core.session.stop('closed', CLOSED);
  }

  static {
    for (const name of CALL_NAMES) {
      const call = function (this: SessionClient<unknown, unknown>, ...args: readonly unknown[]) {
        return this.#call(name, args);
      };
      Object.assign(SessionClient.prototype, { [name]: call });
    }
    // `using` closes the client where the runtime knows it.
    const { dispose, asyncDispose } = Symbol as unknown as { readonly [name: string]: symbol | undefined };
    for (const key of [dispose, asyncDispose]) {
      if (key) Object.assign(SessionClient.prototype, { [key]: SessionClient.prototype.close });
    }
  }

  /** The next value of an event that is the right one. */
  async #until<E extends keyof ClientEvents<Incoming>>(
    event: E,
    isRight: (value: ClientEvents<Incoming>[E]) => boolean,
    options: CallOptions,
  ): Promise<ClientEvents<Incoming>[E]> {
    const { environment } = this.#core;
    const listening = new AbortController();
    const { signal } = listening;
    const happened = new Promise<ClientEvents<Incoming>[E]>((resolve, reject) => {
      const rejectIfOver = () => this.#core.over && reject(this.#core.over);
      this.on(event, (value) => isRight(value) && resolve(value), { signal });
      this.on('state', rejectIfOver, { signal });
      rejectIfOver();
    });
    try {
      return await within(environment, happened, options);
    } finally {
      listening.abort();
    }
  }

  /** Async, so that whatever is wrong with a call arrives as a rejection. */
  async #send(name: string, to: MessageFields['to'], data: Outgoing, options: SendOptions = {}): Promise<SendResult> {
    checkNames(name, options, ['id', 'ephemeral', 'ttlSeconds', 'echo', 'receipt', 'expiresAfterMs', 'signal']);
    const { expiresAfterMs = this.#core.options.messageExpiryMs, signal, ...others } = options;
    checkDuration(name, 'expiresAfterMs', expiresAfterMs);
    checkSignal(name, signal);
    return this.#core.send({ to, ...others }, data, { expiresAfterMs, signal });
  }

  /** The part that does the call checks its arguments. The signal is that of the options, which come last. */
  async #call(name: CallName, args: readonly unknown[]): Promise<unknown> {
    const { signal } = (args.at(-1) ?? {}) as CallOptions;
    return this.#core.call(name, args, checkSignal(name, signal));
  }
}
