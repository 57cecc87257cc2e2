import type { Limits } from '../protocol/index.ts';
import { isObject } from '../protocol/json.ts';
import { serialTimeMs } from './cursor.ts';
import type { Cancel, Channel, Environment, Locks } from './environment.ts';
import { BeckonError } from './errors.ts';
import { acquire } from './locks.ts';
import type { Outcome } from './requests.ts';
import type { Route } from './sender.ts';

/** What a runtime needs for tabs to share a connection. */
export interface TabsEnvironment extends Pick<Environment, 'randomId'> {
  readonly locks: Locks;
  readonly openChannel: (name: string) => Channel;
}

/** The client of one tab, as far as the others are concerned. */
export interface TabsHost {
  /** Calls a method of this client. */
  invoke(method: string, args: readonly unknown[]): unknown;
  /** Sends a frame over this client's connection. */
  request(encode: (id: string) => string): Promise<Outcome> | undefined;
  /** This client is the one that connects. */
  lead(): void;
  /** Another one is. */
  follow(): void;
  /** The leader's client has told something. */
  onTold(event: string, value: unknown): void;
  /** What a tab that has just come must be told, as {@link onTold} gets it. */
  greeting(): readonly Told[];
  /** Whatever was sent after this was not handed over yet, epoch milliseconds by the server's clock. */
  horizonMs(): number;
}

type Told = readonly [event: string, value: unknown];

/** What tabs say to one another. */
type Word =
  | { readonly kind: 'lead' }
  | { readonly kind: 'hello'; readonly tab: string; readonly sinceMs: number }
  | { readonly kind: 'welcome'; readonly tab: string; readonly told: readonly Told[] }
  | { readonly kind: 'tell'; readonly told: Told }
  | { readonly kind: 'call'; readonly id: string; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: 'reply'; readonly id: string; readonly value?: unknown; readonly error?: unknown };

interface Call {
  readonly method: string;
  readonly args: readonly unknown[];
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** What is the business of one tab alone. */
const OWN_EVENTS: readonly string[] = ['error', 'settled'];

/** The pseudo-method with which a tab sends a frame. */
const REQUEST = 'request';

const LOST: Outcome = { kind: 'lost' };

/** How many messages are at hand for tabs that were away for a moment. */
const MAX_RECENT = 1_000;

/**
 * Makes the tabs of one user share one connection. The tab that holds the lock *leads*: its client connects, and tells the
 * others whatever it tells its own application. The others *follow*: they hand that on, and ask the leader to do what
 * needs a connection. When the leader is gone, the browser gives the lock to the next.
 *
 * Each tab has an outbox of its own, and only its frames go through the leader; so nothing that waits is lost with the
 * leader, and what is sent again has the id that it had.
 */
export class Tabs {
  readonly #environment: TabsEnvironment;
  readonly #host: TabsHost;
  readonly #tab: string;
  readonly #calls = new Map<string, Call>();
  readonly #recent: { readonly serial: string }[] = [];
  /** From when on `#recent` has everything. */
  #recentFromMs: number | undefined;
  #channel: Channel | undefined;
  /** Lets go of the lead. */
  #release: Cancel | undefined;
  #isWelcome = false;
  #closedWith: BeckonError | undefined;

  constructor(environment: TabsEnvironment, host: TabsHost) {
    this.#environment = environment;
    this.#host = host;
    this.#tab = environment.randomId();
  }

  get isLeading(): boolean {
    return this.#release !== undefined;
  }

  /** Where a tab that follows sends its frames, of a connection with these limits. */
  routeWith(limits: Limits): Route {
    return { limits, request: (encode) => this.#call(REQUEST, [encode('0')]) as Promise<Outcome> };
  }

  /** Resolves when it is clear whether this tab leads. Called again, it does nothing. */
  async join(name: string): Promise<void> {
    if (this.#channel || this.#closedWith) return;
    const { locks } = this.#environment;
    this.#channel = this.#environment.openChannel(name);
    this.#channel.onmessage = ({ data }: { readonly data: Word }) => this.#onWord(data);
    // A page that may not take locks has a connection of its own.
    const release = await acquire(locks, name, { ifAvailable: true }).catch(() => () => {});
    if (release) return this.#lead(release);
    if (this.#closedWith) return;
    this.#host.follow();
    this.#greet();
    void acquire(locks, name).then((granted) => {
      this.#lead(granted);
      if (this.isLeading) this.#host.lead();
    });
  }

  /** Does a call in the tab that leads: in this one, if that is so. Signals stay here. */
  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#closedWith) throw this.#closedWith;
    if (this.isLeading) return this.#host.invoke(method, args);
    const signal = args.map((arg) => (isObject(arg) ? arg['signal'] : undefined)).find((given) => given) as
      | AbortSignal
      | undefined;
    signal?.throwIfAborted();
    const withoutSignals = args.map((arg) => (isObject(arg) && arg['signal'] ? { ...arg, signal: undefined } : arg));
    return this.#call(method, withoutSignals, signal);
  }

  /** Tells the other tabs what this one's client tells its application. */
  tell(event: string, value: unknown): void {
    if (event === 'message') this.#remember(value as { readonly serial: string });
    if (this.isLeading && !OWN_EVENTS.includes(event)) this.#say({ kind: 'tell', told: [event, value] });
  }

  /** Leaves the others to themselves; calls that wait for an answer are rejected. */
  close(error: BeckonError): void {
    this.#closedWith = error;
    this.#channel?.close();
    this.#release?.();
    this.#release = this.#channel = undefined;
    for (const { method, resolve, reject } of this.#calls.values()) {
      if (method === REQUEST) resolve(LOST);
      else reject(error);
    }
  }

  #lead(release: Cancel | undefined): void {
    if (this.#closedWith) {
      release?.();
      return;
    }
    this.#release = release;
    this.#recentFromMs ??= this.#host.horizonMs();
    this.#say({ kind: 'lead' });
    this.#callAgain();
  }

  #greet(): void {
    this.#isWelcome = false;
    this.#recentFromMs ??= this.#host.horizonMs();
    this.#say({ kind: 'hello', tab: this.#tab, sinceMs: this.#host.horizonMs() });
    this.#callAgain();
  }

  /** There is another leader: nobody knows what became of frames, and the rest is to be done by this one. */
  #callAgain(): void {
    for (const [id, { method, args, resolve, reject }] of this.#calls) {
      if (method === REQUEST) resolve(LOST);
      else if (this.isLeading) new Promise((done) => done(this.#host.invoke(method, args))).then(resolve, reject);
      else this.#say({ kind: 'call', id, method, args });
    }
  }

  #call(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const id = this.#environment.randomId();
    const onAbort = () => this.#calls.get(id)?.reject(signal?.reason);
    return new Promise((resolve, reject) => {
      if (this.#channel) this.#say({ kind: 'call', id, method, args });
      this.#calls.set(id, { method, args, resolve, reject });
      signal?.addEventListener('abort', onAbort);
    }).finally(() => {
      this.#calls.delete(id);
      signal?.removeEventListener('abort', onAbort);
    });
  }

  #onWord(word: Word): void {
    if (this.isLeading) {
      if (word.kind === 'hello') this.#welcome(word);
      else if (word.kind === 'call') void this.#serve(word);
    } else if (word.kind === 'lead') this.#greet();
    else if (word.kind === 'reply') this.#onReply(word);
    else if (word.kind === 'welcome' && word.tab === this.#tab) {
      this.#isWelcome = true;
      for (const told of word.told) this.#host.onTold(...told);
    } else if (word.kind === 'tell' && this.#isWelcome) this.#host.onTold(...word.told);
  }

  #welcome({ tab, sinceMs }: { readonly tab: string; readonly sinceMs: number }): void {
    const told: Told[] = [];
    if (sinceMs > Number.NEGATIVE_INFINITY) {
      if (sinceMs < (this.#recentFromMs ?? 0)) told.push(['gap', {}]);
      for (const message of this.#recent) if (serialTimeMs(message.serial) >= sinceMs) told.push(['message', message]);
    }
    told.push(...this.#host.greeting());
    this.#say({ kind: 'welcome', tab, told });
  }

  async #serve({ id, method, args }: Word & { readonly kind: 'call' }): Promise<void> {
    const answer = await this.#answer(method, args).then(
      (value) => ({ value }),
      (error) => ({ error: isOurs(error) ? { ...error, message: error.message } : error }),
    );
    // Whoever leads next is asked again, because this one has given up what it has not done.
    if (this.isLeading) this.#say({ kind: 'reply', id, ...answer });
  }

  async #answer(method: string, args: readonly unknown[]): Promise<unknown> {
    if (method !== REQUEST) return this.#host.invoke(method, args);
    const outcome = this.#host.request((id) => String(args[0]).replace('"id":"0"', `"id":"${id}"`));
    return outcome ?? LOST;
  }

  #onReply({ id, value, error }: Word & { readonly kind: 'reply' }): void {
    const call = this.#calls.get(id);
    if (error === undefined) call?.resolve(value);
    // On its way an error of ours would lose its code.
    else call?.reject(isOurs(error) ? new BeckonError(error.code, error.message, error) : error);
  }

  #remember(message: { readonly serial: string }): void {
    this.#recent.push(message);
    if (this.#recent.length <= MAX_RECENT) return;
    const forgotten = this.#recent.shift();
    this.#recentFromMs = serialTimeMs(forgotten?.serial ?? '') + 1;
  }

  #say(word: Word): void {
    this.#channel?.postMessage(word);
  }
}

function isOurs(error: unknown): error is BeckonError {
  return (error as Partial<BeckonError> | undefined)?.name === 'BeckonError';
}
