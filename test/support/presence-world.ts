import type { Presence, Push, Result } from '../../protocol/index.ts';
import { type Address, roomAddress, userAddress } from '../../server/address.ts';
import type { Connection } from '../../server/connections/connection.ts';
import { IDLE_SECONDS } from '../../server/connections/directory.ts';
import { isPresent } from '../../server/presence/occupancy.ts';
import { ABSENCE_SECONDS } from '../../server/presence/presence-state.ts';
import { type Backend, createBackend, type Handlers, HURRIED_SECOND_MS, type Rule } from './presence-backend.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';

const START_MS = Date.UTC(2026, 0, 1);

/** The duration of a schedule, in milliseconds: long enough to notice expired devices, shorter than a connection's life. */
const DURATION_MS = 65 * 60_000;

/** When devices stop coming and going, in milliseconds from the start. */
const QUIET_AFTER_MS = 20 * 60_000;

const HEARTBEAT_MS = 240_000;
const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');

/**
 * Plays one schedule of presence: two devices of bob come, go and crash, while alice and eve watch. The seed decides the order
 * of every step. A failed seed can be played again alone.
 * @param without A rule of presence to remove, which shows that the system needs it.
 * @returns The problems at the end: wrong states and tasks that failed. Empty when all is right.
 */
export async function playSchedule(seed: number, without?: Rule): Promise<readonly string[]> {
  const scheduler = createScheduler(seed, START_MS);
  const isHurried = scheduler.chance(0.5);
  const backend = createBackend({ scheduler, isHurried, without });
  const world = { scheduler, backend, isHurried };
  const devices = [new Device(world, 'bob'), new Device(world, 'bob')];
  const watchers = [new Watcher(world, 'alice'), new Watcher(world, 'eve')];
  backend.allowCrashes(Math.floor(scheduler.random() * 4));
  for (const device of devices) void device.live();
  for (const watcher of watchers) void watcher.live();
  await scheduler.run(START_MS + DURATION_MS);
  return [
    ...(await problemsOf(world, watchers)),
    ...backend.deadTasks.map((task) => `the queue gave up ${JSON.stringify(task)}`),
  ];
}

async function problemsOf({ backend }: World, watchers: readonly Watcher[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const address of [BOB, LOBBY]) {
    const isThere = await isPresent(backend.directory, address, 'bob');
    const announced = await backend.presenceStates.read(address, 'bob');
    if (isThere !== (announced?.online ?? false)) problems.push(`${address}: announced ${!isThere}, is ${isThere}`);
    for (const watcher of watchers) {
      const seen = watcher.seen.get(address)?.online ?? false;
      if (seen !== isThere) problems.push(`${address}: ${watcher.userId} sees ${seen}, is ${isThere}`);
    }
  }
  return [...problems, ...watchers.flatMap(({ contradictions }) => contradictions)];
}

interface World {
  readonly scheduler: Scheduler;
  readonly backend: Backend;
  readonly isHurried: boolean;
}

/** A client with one connection at a time, which it keeps alive. */
abstract class Client {
  readonly userId: string;
  protected readonly scheduler: Scheduler;
  protected readonly backend: Backend;
  protected connectionId: string | undefined;
  #attempts = 0;

  constructor({ scheduler, backend }: World, userId: string) {
    this.scheduler = scheduler;
    this.backend = backend;
    this.userId = userId;
  }

  abstract live(): Promise<void>;
  protected abstract receive(push: Push): void;

  protected sleep(maxMs: number, atLeastMs = 0): Promise<void> {
    return new Promise((resolve) => this.scheduler.after(atLeastMs + this.scheduler.random() * maxMs, resolve));
  }

  /** Opens a connection. Returns its id. */
  protected open(): string {
    const connectionId = this.backend.open({
      receive: (push) => connectionId === this.connectionId && this.receive(push),
      closed: () => {
        if (connectionId === this.connectionId) this.connectionId = undefined;
      },
    });
    this.connectionId = connectionId;
    const beat = () => {
      if (connectionId !== this.connectionId) return;
      const expiresAt = this.scheduler.now() / 1000 + IDLE_SECONDS;
      void this.backend.directory.touch(userAddress(this.userId), connectionId, { expiresAt });
      this.scheduler.after(HEARTBEAT_MS, beat);
    };
    this.scheduler.after(HEARTBEAT_MS, beat);
    return connectionId;
  }

  protected close(isTold: boolean): void {
    if (this.connectionId !== undefined) this.backend.close(this.connectionId, this.userId, isTold);
    this.connectionId = undefined;
  }

  /** Repeats a request, as a client without an answer does, until an answer arrives or the connection ends. */
  protected async insist<T>(
    connectionId: string,
    run: (handlers: Handlers, connection: Connection, attempt: number) => Promise<Result<T>>,
  ): Promise<T | undefined> {
    while (connectionId === this.connectionId) {
      this.#attempts += 1;
      const attempt = this.#attempts;
      const result = await this.ask(connectionId, (handlers, connection) => run(handlers, connection, attempt));
      if (result?.ok) return result.value;
      if (result?.problem.code === 'connection_removed') this.close(true);
      await this.sleep(10_000);
    }
    return undefined;
  }

  protected ask<T>(
    connectionId: string,
    run: (handlers: Handlers, connection: Connection) => Promise<Result<T>>,
  ): Promise<Result<T> | undefined> {
    const capability = { 'user:*': ['presence'], 'room:*': ['join', 'presence'] } as const;
    const connection = { connectionId, userId: this.userId, tokenExpiresAt: START_MS / 1000 + 36_000, capability };
    return this.backend.invoke((handlers) => run(handlers, connection));
  }

  protected async register(connectionId: string): Promise<void> {
    await this.insist(connectionId, ({ register }, connection, attempt) => register()(connection, { attempt }));
  }
}

/** A device that comes and goes in every possible way, then stays as it is. */
class Device extends Client {
  readonly #pausesMs: readonly number[];
  /** The delay before the server checks whether the user is offline. */
  readonly #absenceMs: number;

  constructor(world: World, userId: string) {
    super(world, userId);
    this.#absenceMs = ABSENCE_SECONDS * (world.isHurried ? HURRIED_SECOND_MS : 1000);
    this.#pausesMs = world.isHurried ? [5, 50, 500] : [5, 500, 20_000, 800_000];
  }

  protected receive(): void {}

  async live(): Promise<void> {
    const deeds = [
      this.#come,
      this.#go,
      this.#reload,
      this.#reload,
      this.#flash,
      this.#leave,
      this.#join,
      this.#sendTo,
    ];
    const { random } = this.scheduler;
    const count = 2 + Math.floor(random() * 8);
    for (let done = 0; done < count && this.scheduler.now() < START_MS + QUIET_AFTER_MS; done += 1) {
      await this.sleep(this.#pausesMs[Math.floor(random() * this.#pausesMs.length)] ?? 0);
      await deeds[Math.floor(random() * deeds.length)]?.call(this);
    }
  }

  async #come(): Promise<void> {
    if (this.connectionId !== undefined) return;
    const connectionId = this.open();
    await this.register(connectionId);
    if (this.scheduler.chance(0.7)) await this.#join();
  }

  async #go(): Promise<void> {
    this.close(this.scheduler.chance(0.75));
  }

  /** Picks a delay. It often ends during the server's check whether the user is offline. */
  async #reload(): Promise<void> {
    this.close(true);
    if (this.scheduler.chance(0.5)) await this.sleep(this.#absenceMs);
    else await this.sleep(1500, this.#absenceMs - 200);
    await this.#come();
    if (!this.scheduler.chance(0.4)) return;
    await this.sleep(1000);
    await this.#go();
  }

  /** Closes the connection while it registers. */
  async #flash(): Promise<void> {
    const came = this.#come();
    await this.sleep(60);
    this.close(this.scheduler.chance(0.75));
    await came;
  }

  async #join(): Promise<void> {
    const { connectionId } = this;
    if (connectionId === undefined) return;
    await this.insist(connectionId, ({ join }, connection, attempt) => join()(connection, { room: 'lobby', attempt }));
  }

  async #leave(): Promise<void> {
    const { connectionId } = this;
    if (connectionId === undefined) return;
    await this.insist(connectionId, ({ leave }, connection) => leave()(connection, { room: 'lobby' }));
  }

  /** Sends to the user and to the room. The posts find dead connections. */
  async #sendTo(): Promise<void> {
    const message = { id: 'm', serial: 's', from: { user: 'x' }, to: { user: 'bob' }, data: 0, sentAt: 0 };
    await this.backend.invoke(async ({ directory, posting }) => {
      for (const address of [BOB, LOBBY]) {
        await posting().deliver(await directory.find(address, { consistent: false }), [message]);
      }
    });
  }
}

/** A watcher of the user and the room, sometimes over a new connection. */
class Watcher extends Client {
  /** The presence that it would show: of two the one with the later `sinceMs`. */
  readonly seen = new Map<Address, Presence>();
  readonly contradictions: string[] = [];

  async live(): Promise<void> {
    const { random, now } = this.scheduler;
    let reconnects = Math.floor(random() * 3);
    await this.sleep(random() < 0.5 ? 100 : 60_000);
    await this.#watch();
    for (;;) {
      await this.sleep(600_000);
      const mayGo = reconnects > 0 && now() < START_MS + QUIET_AFTER_MS;
      if (mayGo) {
        reconnects -= 1;
        this.close(this.scheduler.chance(0.75));
      }
      if (this.connectionId === undefined) await this.#watch();
    }
  }

  async #watch(): Promise<void> {
    while (this.connectionId === undefined) {
      this.seen.clear();
      const connectionId = this.open();
      await this.register(connectionId);
      for (const whom of [{ users: ['bob'] }, { room: 'lobby' }]) {
        const reply = await this.insist(connectionId, ({ askPresence }, connection) =>
          askPresence()(connection, { action: 'presence', watch: true, ...whom }),
        );
        if (reply) this.receive(reply);
      }
    }
  }

  protected receive(push: Push): void {
    if (push.type !== 'presence') return;
    const address = push.room === undefined ? BOB : LOBBY;
    for (const presence of push.users) {
      const known = this.seen.get(address);
      const { sinceMs = 0 } = presence;
      if (known?.sinceMs === sinceMs && known.online !== presence.online) {
        this.contradictions.push(`${address}: ${this.userId} hears two things of ${sinceMs}`);
      }
      if (sinceMs >= (known?.sinceMs ?? 0)) this.seen.set(address, presence);
    }
  }
}
