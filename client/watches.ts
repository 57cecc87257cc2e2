import type { Presence, PresenceReply } from '../protocol/index.ts';
import { MAX_USERS_PER_PRESENCE } from '../protocol/limits.ts';
import type { PresenceChange, PresenceSnapshot, PresenceTarget } from './api.ts';
import type { Calls } from './calls.ts';
import { type BeckonError, toError } from './errors.ts';
import { type FieldsOf, type Outcome, problemOf } from './requests.ts';

type Change = { readonly room: string | undefined; readonly users: readonly Presence[] };
type Known = Map<string, Presence | undefined>;

/** Under this name are the users that are watched, wherever they are. No room has it. */
const ANYWHERE = '';

export interface WatchesHost {
  onPresence(change: PresenceChange): void;
  /** The server does not want to tell any more. */
  onError(error: BeckonError): void;
  /** Others are watched than before. */
  onTargets(): void;
}

/** Whom the application watches, and what it has been told of them. */
export class Watches {
  readonly #calls: Calls;
  readonly #host: WatchesHost;
  /** By room. */
  readonly #known = new Map<string, Known>([[ANYWHERE, new Map()]]);

  /** Which call has asked last for what the server has not answered for yet. */
  readonly #unconfirmed = new Map<string, object>();

  constructor(calls: Calls, host: WatchesHost) {
    this.#calls = calls;
    this.#host = host;
  }

  /** @param watch As in the frame. Absent: nothing changes. */
  async ask(target: PresenceTarget, watch: boolean | undefined, signal?: AbortSignal): Promise<PresenceSnapshot> {
    const call = {};
    if (watch === false) this.#delete([target]);
    if (watch) this.#add([target], call);
    const take = this.#expect(target, true);
    try {
      const fields = { ...toFields(target), watch } as FieldsOf<'presence'>;
      const { type: _, id: __, ...answer } = await this.#calls.call('presence', fields, { signal });
      if (watch === undefined) return answer;
      for (const part of partsOf([target])) this.#unconfirmed.delete(keyOf(part));
      this.#tell(take(answer));
      return this.#current(answer);
    } catch (error) {
      this.#delete(partsOf([target]).filter((part) => this.#unconfirmed.get(keyOf(part)) === call));
      throw error;
    }
  }

  /** Has a connection watch everybody, and tells what has changed meanwhile. */
  async renew(call: (fields: FieldsOf<'presence'>) => Promise<Outcome>): Promise<void> {
    await Promise.all(
      this.targets.map(async (target) => {
        const take = this.#expect(target, false);
        const outcome = await call({ ...toFields(target), watch: true } as FieldsOf<'presence'>);
        const problem = problemOf(outcome);
        if (problem) {
          this.#delete([target]);
          this.#host.onError(toError(problem));
        } else if (outcome.kind === 'reply') this.#tell(take(outcome.reply as PresenceReply));
      }),
    );
  }

  /** Watches the same as the tab that connects. */
  follow(targets: readonly PresenceTarget[]): void {
    const keys = partsOf(targets).map(keyOf);
    this.#delete(partsOf(this.targets).filter((part) => !keys.includes(keyOf(part))));
    this.#add(targets);
  }

  onPush({ room, users }: PresenceChange): void {
    this.#tell({ room, users: this.#update(room, users, (known, now) => since(now) > since(known)) });
  }

  /** Whom to ask for on a connection, in as many frames as it takes. */
  get targets(): readonly PresenceTarget[] {
    const [[, anywhere] = [], ...rooms] = this.#known;
    const users = [...(anywhere?.keys() ?? [])];
    const chunks = Array.from({ length: Math.ceil(users.length / MAX_USERS_PER_PRESENCE) }, (_, index) =>
      users.slice(index * MAX_USERS_PER_PRESENCE, (index + 1) * MAX_USERS_PER_PRESENCE),
    );
    return [...chunks, ...rooms.map(([room]) => ({ room }))];
  }

  /** @param call The one that has to be answered for this to stand. */
  #add(targets: readonly PresenceTarget[], call?: object): void {
    for (const part of partsOf(targets)) {
      const known = 'room' in part ? this.#known : this.#of();
      const name = nameOf(part);
      const isNew = !known?.has(name);
      if (isNew && 'room' in part) this.#known.set(name, new Map());
      else if (isNew) this.#of()?.set(name, undefined);
      if (call && (isNew || this.#unconfirmed.has(keyOf(part)))) this.#unconfirmed.set(keyOf(part), call);
    }
    this.#host.onTargets();
  }

  #delete(targets: readonly PresenceTarget[]): void {
    for (const part of partsOf(targets)) {
      this.#unconfirmed.delete(keyOf(part));
      ('room' in part ? this.#known : this.#of())?.delete(nameOf(part));
    }
    this.#host.onTargets();
  }

  /**
   * Called before the server is asked. What is returned takes the answer, and gives what is news in it.
   * @param isTold The answer goes to whoever has asked: what nobody knew before is no news for others.
   */
  #expect(target: PresenceTarget, isTold: boolean): (answer: PresenceSnapshot) => Change {
    const room = 'room' in target ? target.room : undefined;
    const before = new Map(this.#of(room));
    return (answer) => {
      const { users } = answer;
      const news = this.#update(room, users, (known, now) => since(now) >= since(known));
      const isComplete = room !== undefined && namesAll(answer);
      const gone = isComplete ? this.#takeOut(room, before, new Set(users.map(({ user }) => user))) : [];
      const isFirst = isTold && (room === undefined || before.size === 0);
      return { room, users: [...(isFirst ? news.filter(({ user }) => before.get(user)) : news), ...gone] };
    };
  }

  /** The answer, as it is after what has been pushed meanwhile. */
  #current(answer: PresenceSnapshot): PresenceSnapshot {
    const known = this.#of(answer.room);
    if (!known) return answer;
    const { occupancy } = answer;
    if (!occupancy) return { ...answer, users: answer.users.map((presence) => known.get(presence.user) ?? presence) };
    const users = [...known.values()].filter((presence): presence is Presence => presence?.online === true);
    // Of those who did not fit into the answer nobody knows whether they are among those who were pushed.
    return { ...answer, users, occupancy: { ...occupancy, users: namesAll(answer) ? users.length : occupancy.users } };
  }

  /** Those that were there when the server was asked, are not in its answer, and have not been heard of since. */
  #takeOut(room: string, before: Known, there: ReadonlySet<string>): Presence[] {
    const known = this.#of(room);
    return [...before].flatMap(([user, presence]) => {
      if (!presence?.online || there.has(user) || known?.get(user) !== presence) return [];
      const gone = { ...presence, online: false };
      known.set(user, gone);
      return [gone];
    });
  }

  /** @returns Those that are not as they were. */
  #update(
    room: string | undefined,
    users: readonly Presence[],
    isNewer: (known: Presence | undefined, now: Presence) => boolean,
  ): Presence[] {
    const known = this.#of(room);
    return users.filter((now) => {
      const before = known?.get(now.user);
      if (!known || (room === undefined && !known.has(now.user)) || (before && !isNewer(before, now))) return false;
      known.set(now.user, now);
      return before?.online !== now.online || before.since !== now.since;
    });
  }

  #tell({ room, users }: Change): void {
    if (users.length > 0) this.#host.onPresence({ ...(room !== undefined && { room }), users });
  }

  #of(room: string = ANYWHERE): Known | undefined {
    return this.#known.get(room);
  }
}

/** Each user and each room by itself. */
function partsOf(targets: readonly PresenceTarget[]): readonly PresenceTarget[] {
  return targets.flatMap((target): PresenceTarget[] => ('room' in target ? [target] : target.map((user) => [user])));
}

function nameOf(part: PresenceTarget): string {
  return 'room' in part ? part.room : (part[0] ?? '');
}

function keyOf(part: PresenceTarget): string {
  return JSON.stringify(part);
}

/** The part of the frame that says whom it is about. */
function toFields(target: PresenceTarget): object {
  return 'room' in target ? { room: target.room } : { users: target };
}

/** Whether everybody who is in the room is in the answer by name. */
function namesAll({ users, occupancy }: PresenceSnapshot): boolean {
  return occupancy !== undefined && occupancy.users <= users.length;
}

function since(presence: Presence | undefined): number {
  return presence?.since ?? 0;
}
