import type { Limits } from '../../protocol/index.ts';
import { isObject } from '../../protocol/json.ts';
import { throwIfAborted } from '../base/abort.ts';
import { randomId } from '../base/random-id.ts';
import { CALL_NAMES, type CallName } from '../calls/call-names.ts';
import type { SendingConnection } from '../connection/context.ts';
import { createLiveness, type Liveness } from '../connection/liveness.ts';
import type { Outcome } from '../connection/requests.ts';
import type { Cancel, Channel, Environment, LockOptions, Locks } from '../environment.ts';
import { BeckonError } from '../errors.ts';
import { acquire } from '../storage/locks.ts';
import { PendingCalls } from './pending-calls.ts';
import { RecentMessages } from './recent.ts';
import { type Operation, REQUEST, type RecentMessage, type Told, type Word, type WordOf } from './words.ts';

/** What a runtime needs for tabs to share a connection. */
export interface TabsEnvironment extends Pick<Environment, 'now' | 'randomId' | 'setTimer' | 'onWake'> {
  readonly locks: Locks;
  readonly openChannel: (name: string) => Channel | undefined;
}

/** The client of one tab, as far as the others are concerned. */
export interface TabsOwner {
  /** Does a call of this client. */
  invoke(name: CallName, args: readonly unknown[]): unknown;
  /** Sends a frame over this client's connection, under another correlation id. */
  request(frame: string, units: number | undefined): Promise<Outcome>;
  /** This client is the one that connects. */
  lead(): void;
  /** Another one is. */
  follow(): void;
  /** The user has signed out in another tab. */
  signOut(): void;
  /** The leader's client has told something. */
  onTold(event: string, value: unknown): void;
  /** What a tab that has just come must be told, as {@link onTold} gets it. */
  greeting(): readonly Told[];
  /** Whatever was sent after this was not handed over yet, epoch milliseconds by the server's clock. */
  horizonMs(): number;
}

/** How often a tab asks whether the one that leads is still there. */
const HEARTBEAT_MS = 10_000;

/**
 * Makes the tabs of one user share one connection. The tab that holds the lock *leads*: its client connects, and tells the
 * others whatever it tells its own application. The others *follow*: they hand that on, and ask the leader to do what
 * needs a connection. When the leader is gone, the browser gives the lock to the next; when it is there and does not answer
 * (it hangs, or the system has suspended it in the background), whoever finds out first takes the lock from it.
 *
 * Each tab has an outbox of its own, and only its frames go through the leader; so nothing that waits is lost with the
 * leader, and what is sent again has the id that it had.
 */
export class Tabs {
  readonly #environment: TabsEnvironment;
  readonly #owner: TabsOwner;
  readonly #tab: string;
  readonly #calls: PendingCalls;
  readonly #recent = new RecentMessages();
  /** Of the tab that leads. */
  readonly #liveness: Liveness;
  readonly #stopWatching: Cancel;
  #name = '';
  #channel: Channel | undefined;
  /** Lets go of the lead. */
  #release: Cancel | undefined;
  #isWaiting = false;
  /** The tab that leads. `undefined`: this one, or it has not said so yet. */
  #leader: string | undefined;
  #closedWith: BeckonError | undefined;

  /** @param timeoutMs How long the tab that leads may take to answer. */
  constructor(environment: TabsEnvironment, timeoutMs: number, owner: TabsOwner) {
    this.#environment = environment;
    this.#owner = owner;
    this.#tab = randomId(environment);
    this.#calls = new PendingCalls(environment, (call) => {
      if (this.#leader) this.#say({ kind: 'call', to: this.#leader, ...call });
    });
    this.#liveness = createLiveness(environment, {
      heardAtMs: environment.now(),
      heartbeatMs: HEARTBEAT_MS,
      timeoutMs,
      ping: () => this.#ask(),
      onDead: () =>
        void this.#acquire({ steal: true }).then(
          (release) => this.#takeOver(release),
          // Another one was faster, and says so.
          () => {},
        ),
    });
    this.#stopWatching = environment.onWake(() => this.#channel && !this.isLeading && this.#liveness.check());
  }

  get isLeading(): boolean {
    return this.#release !== undefined;
  }

  /** Where a tab that follows sends its frames, of a connection with these limits. */
  connectionWith(limits: Limits): SendingConnection {
    return { limits, request: (encode, units) => this.#calls.add(REQUEST, [encode('0'), units]) as Promise<Outcome> };
  }

  /** Resolves when it is clear whether this tab leads. Called again, it does nothing. */
  async join(name: string): Promise<void> {
    if (this.#name || this.#closedWith) return;
    this.#name = name;
    this.#channel = this.#environment.openChannel(name);
    if (!this.#channel) return this.#lead(() => {});
    this.#channel.onmessage = ({ data }: { readonly data: Word }) => this.#onWord(data);
    // A page that may not take locks has a connection of its own.
    const release = await this.#acquire({ ifAvailable: true }).catch(() => () => {});
    if (release) this.#lead(release);
    else if (!this.#closedWith) this.#follow();
  }

  /** Does a call in the tab that leads: in this one, if that is so. Signals stay here. */
  async invoke(name: CallName, args: readonly unknown[]): Promise<unknown> {
    if (this.#closedWith) throw this.#closedWith;
    if (this.isLeading) return this.#owner.invoke(name, args);
    const signal = args.map((arg) => (isObject(arg) ? arg['signal'] : undefined)).find((given) => given) as
      | AbortSignal
      | undefined;
    throwIfAborted(signal);
    const withoutSignals = args.map((arg) => (isObject(arg) && arg['signal'] ? { ...arg, signal: undefined } : arg));
    return this.#calls.add(name, withoutSignals, signal);
  }

  /** Tells the other tabs what this one's client tells its application. */
  tell(event: string, value: unknown): void {
    if (event === 'message') this.#recent.add(value as RecentMessage);
    if (event === 'gap') this.#recent.clear();
    if (!this.isLeading) return;
    if (event === 'progress') this.#recent.begin(this.#owner.horizonMs());
    this.#say({ kind: 'tell', by: this.#tab, told: [event, value] });
  }

  /** Has the other tabs sign out as well. */
  signOut(): void {
    this.#say({ kind: 'signOut' });
  }

  /** Leaves the others to themselves; calls that wait for an answer are rejected. */
  close(error: BeckonError): void {
    this.#closedWith = error;
    this.#liveness.stop();
    this.#stopWatching();
    this.#channel?.close();
    this.#release?.();
    this.#release = this.#channel = undefined;
    this.#calls.onLeaderGone(() => {
      throw error;
    });
  }

  #acquire(options: LockOptions): Promise<Cancel | undefined> {
    const acquired = acquire(this.#environment.locks, this.#name, options, () => {
      // It may lead by another one by now.
      acquired.then(
        (release) => release === this.#release && this.#follow(),
        () => {},
      );
    });
    return acquired;
  }

  #lead(release: Cancel | undefined): void {
    if (this.#closedWith) {
      release?.();
      return;
    }
    this.#release = release;
    this.#leader = undefined;
    this.#liveness.stop();
    this.#recent.begin(this.#owner.horizonMs());
    this.#say({ kind: 'lead' });
    this.#calls.onLeaderGone((name, args) => this.#owner.invoke(name, args));
  }

  #takeOver(release: Cancel | undefined): void {
    this.#lead(release);
    if (this.isLeading) this.#owner.lead();
  }

  #follow(): void {
    this.#release = undefined;
    this.#owner.follow();
    this.#greet();
    this.#wait();
  }

  /** Leads when the browser gives it the lock. */
  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const end = () => {
      this.#isWaiting = false;
    };
    void this.#acquire({}).then(
      (release) => {
        end();
        this.#takeOver(release);
      },
      // Stolen before this tab knew that it had it.
      () => {
        end();
        this.#wait();
      },
    );
  }

  #greet(): void {
    this.#leader = undefined;
    this.#recent.begin(this.#owner.horizonMs());
    this.#liveness.stop();
    this.#liveness.check();
    this.#calls.onLeaderGone();
  }

  /** Asks the tab that leads for a sign of life; as long as it is not known which one that is, by greeting it. */
  #ask(): void {
    if (this.#leader) this.#say({ kind: 'ping' });
    else this.#say({ kind: 'hello', tab: this.#tab, sinceMs: this.#owner.horizonMs() });
    this.#liveness.sent();
  }

  #onWord(word: Word): void {
    if (word.kind === 'signOut') this.#owner.signOut();
    else if (this.isLeading) {
      if (word.kind === 'hello') this.#welcome(word);
      else if (word.kind === 'call' && word.to === this.#tab) void this.#serve(word);
      else if (word.kind === 'ping') this.#say({ kind: 'pong', by: this.#tab });
    } else if (word.kind === 'lead') this.#greet();
    else if (word.kind === 'reply') this.#calls.onReply(word);
    else if (word.kind === 'welcome' && word.tab === this.#tab && !this.#leader) {
      this.#leader = word.by;
      this.#liveness.heard();
      if (word.memory) this.#recent.takeOver(word.memory);
      for (const told of word.told) this.#owner.onTold(...told);
      this.#calls.askForAll();
    } else if (word.kind === 'tell' && word.by === this.#leader) this.#owner.onTold(...word.told);
    else if (word.kind === 'pong' && word.by === this.#leader) this.#liveness.heard();
    // It leads no more.
    else if (word.kind === 'hello' && word.tab === this.#leader) this.#greet();
  }

  #welcome({ tab, sinceMs }: WordOf<'hello'>): void {
    const { told, memory } = this.#recent.since(sinceMs);
    const all = [...told, ...this.#owner.greeting()];
    this.#say({ kind: 'welcome', tab, by: this.#tab, told: all, ...(memory && { memory }) });
  }

  async #serve({ id, name, args }: WordOf<'call'>): Promise<void> {
    const answer = await this.#answer(name, args).then(
      (value) => ({ value }),
      (error) => ({ error: error instanceof BeckonError ? error.toJSON() : error }),
    );
    // Whoever leads next is asked again, because this one has given up what it has not done.
    if (this.isLeading) this.#say({ kind: 'reply', id, ...answer });
  }

  async #answer(name: Operation, args: readonly unknown[]): Promise<unknown> {
    if (name !== REQUEST) {
      // A tab with a newer version may know more calls.
      if (!CALL_NAMES.includes(name))
        throw new BeckonError('load_failed', `The tab that connects is too old to do ${name}. Reload it.`);
      return this.#owner.invoke(name, args);
    }
    const [frame, units] = args as readonly [string, number | undefined];
    return this.#owner.request(frame, units);
  }

  #say(word: Word): void {
    this.#channel?.postMessage(word);
  }
}
