import type { Presence, PresenceReply } from '../../protocol/index.ts';
import { MAX_USERS_PER_PRESENCE } from '../../protocol/limits.ts';
import type { PresenceChange, PresenceSnapshot, PresenceTarget } from '../api.ts';
import type { WaitLimits } from '../base/timer.ts';
import { takeFitting } from '../connection/frame-size.ts';
import { encodeRequest, type FieldsOf, type Outcome, problemOf } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import { type BeckonError, toError } from '../errors.ts';
import type { ServerCalls } from './server-calls.ts';

type Change = { readonly room: string | undefined; readonly users: readonly Presence[] };
type Known = Map<string, Presence | undefined>;

/** A target that the application wants to stop watching, until the server confirms it. */
interface Ending {
  readonly call: object;
  /** The changes that the application would have got meanwhile. */
  readonly missed: Change[];
}

/** Whom the application watches, and what it knows of them. */
export class Watches {
  readonly #core: Core;
  readonly #calls: ServerCalls;
  readonly #users: Known = new Map();
  readonly #rooms = new Map<string, Known>();

  /** The last call that asked for each target that the server has not confirmed yet. */
  readonly #unconfirmed = new Map<string, object>();
  readonly #ending = new Map<string, Ending>();

  constructor(core: Core, calls: ServerCalls) {
    this.#core = core;
    this.#calls = calls;
  }

  /** @param watch As in the frame. Absent: nothing changes. */
  async ask(target: PresenceTarget, watch: boolean | undefined, limits: WaitLimits = {}): Promise<PresenceSnapshot> {
    const fields = { ...toFields(target), watch } as FieldsOf<'presence'>;
    const parts = partsOf([target]);
    if (watch === undefined) return this.#question(fields, limits);
    const call = {};
    if (watch) this.#add(parts, call);
    else this.#mute(parts, call);
    const take = this.#expect(target, true);
    try {
      const answer = await this.#question(fields, limits);
      if (watch) for (const part of parts) this.#unconfirmed.delete(keyOf(part));
      else this.#endAll(call);
      this.#tell(take(answer));
      return this.#current(answer);
    } catch (error) {
      this.#delete(parts.filter((part) => this.#unconfirmed.get(keyOf(part)) === call));
      // Without an answer the watch may go on; the next connection does not renew it.
      if (/^(expired|rate_limited)$/.test((error as BeckonError | null)?.code ?? '')) this.#endAll(call);
      else this.#unmute(call);
      throw error;
    }
  }

  /**
   * Has a connection watch everybody, and tells what has changed meanwhile.
   * @param maxFrameBytes What a frame may take on it.
   */
  async renew(call: (fields: FieldsOf<'presence'>) => Promise<Outcome>, maxFrameBytes: number): Promise<void> {
    await Promise.all(
      this.#groups(maxFrameBytes).map(async ({ target, isConfirmed }) => {
        const take = this.#expect(target, false);
        const outcome = await call(watchFields(target));
        const problem = problemOf(outcome);
        if (problem && isConfirmed) {
          this.#delete(partsOf([target]));
          this.#core.emit('error', toError(problem));
        } else if (outcome.kind === 'reply') this.#tell(take(outcome.reply as PresenceReply));
      }),
    );
  }

  /** Watches the same as the tab that connects. */
  follow(targets: readonly PresenceTarget[]): void {
    const parts = partsOf(targets);
    const keys = parts.map(keyOf);
    this.#delete(partsOf(this.targets).filter((part) => !keys.includes(keyOf(part))));
    this.#add(parts);
  }

  onPush({ room, users }: PresenceChange): void {
    this.#tell({ room, users: this.#update(room, users, (known, now) => sinceMs(now) > sinceMs(known)) });
  }

  /** Who is watched. */
  get targets(): readonly PresenceTarget[] {
    const users = [...this.#users.keys()].filter((user) => !this.#ending.has(keyOf([user])));
    const rooms = [...this.#rooms.keys()].map((room) => ({ room })).filter((part) => !this.#ending.has(keyOf(part)));
    return [...(users.length > 0 ? [users] : []), ...rooms];
  }

  async #question(fields: FieldsOf<'presence'>, limits: WaitLimits): Promise<PresenceSnapshot> {
    const { type: _, id: __, ...answer } = await this.#calls.call('presence', fields, limits);
    return answer;
  }

  /**
   * The targets to renew on a connection, in as many frames as they need. Targets that the server has not confirmed yet have a frame of
   * their own for each call: if the server refuses it, the others are not refused, and the call rejects.
   */
  #groups(maxFrameBytes: number): readonly { readonly target: PresenceTarget; readonly isConfirmed: boolean }[] {
    const bounds = { maxBytes: maxFrameBytes, maxItems: MAX_USERS_PER_PRESENCE };
    const groups: { target: PresenceTarget; isConfirmed: boolean }[] = [];
    const users = new Map<object | undefined, string[]>([[undefined, []]]);
    for (const part of partsOf(this.targets)) {
      const call = this.#unconfirmed.get(keyOf(part));
      if ('room' in part) groups.push({ target: part, isConfirmed: call === undefined });
      else users.set(call, [...(users.get(call) ?? []), ...part]);
    }
    for (const [call, all] of users) {
      for (let rest = all; rest.length > 0; ) {
        const fitting = takeFitting(rest, bounds, (some) => encodeRequest('presence', watchFields(some)));
        const target = call ? rest : fitting;
        groups.push({ target, isConfirmed: call === undefined });
        rest = rest.slice(target.length);
      }
    }
    return groups;
  }

  /** @param call The call whose answer confirms the targets. */
  #add(parts: readonly PresenceTarget[], call?: object): void {
    for (const part of parts) {
      const key = keyOf(part);
      const known: Map<string, unknown> = 'room' in part ? this.#rooms : this.#users;
      const isNew = !known.has(nameOf(part));
      if (isNew) known.set(nameOf(part), 'room' in part ? new Map() : undefined);
      if (call && (isNew || this.#unconfirmed.has(key))) this.#unconfirmed.set(key, call);
      this.#ending.delete(key);
    }
    this.#core.notify('interest');
  }

  #delete(parts: readonly PresenceTarget[]): void {
    for (const part of parts) {
      this.#unconfirmed.delete(keyOf(part));
      this.#ending.delete(keyOf(part));
      ('room' in part ? this.#rooms : this.#users).delete(nameOf(part));
    }
    this.#core.notify('interest');
  }

  /** Holds back the changes of the targets until the server has confirmed the end of their watch. */
  #mute(parts: readonly PresenceTarget[], call: object): void {
    for (const part of parts) {
      if (('room' in part ? this.#rooms : this.#users).has(nameOf(part))) {
        this.#ending.set(keyOf(part), { call, missed: this.#ending.get(keyOf(part))?.missed ?? [] });
      }
    }
    this.#core.notify('interest');
  }

  #endAll(call: object): void {
    const ended = [...this.#ending].filter(([, ending]) => ending.call === call);
    this.#delete(ended.map(([key]) => JSON.parse(key)));
  }

  /** Undoes {@link #mute}, and tells what was held back. */
  #unmute(call: object): void {
    const ended = [...this.#ending].filter(([, ending]) => ending.call === call);
    for (const [key] of ended) this.#ending.delete(key);
    this.#core.notify('interest');
    for (const change of ended.flatMap(([, { missed }]) => missed)) this.#tell(change);
  }

  /**
   * Called before the client asks the server. Returns a function that takes the answer, and returns the changes in it.
   * @param isTold The caller gets the answer: what was unknown before is then no change.
   */
  #expect(target: PresenceTarget, isTold: boolean): (answer: PresenceSnapshot) => Change {
    const room = 'room' in target ? target.room : undefined;
    const before = new Map(this.#of(room));
    return (answer) => {
      const { users } = answer;
      const news = this.#update(room, users, (known, now) => sinceMs(now) >= sinceMs(known));
      const isComplete = room !== undefined && namesAll(answer);
      const gone = isComplete ? this.#takeOut(room, before, new Set(users.map(({ user }) => user))) : [];
      const isFirst = isTold && (room === undefined || before.size === 0);
      return { room, users: [...(isFirst ? news.filter(({ user }) => before.get(user)) : news), ...gone] };
    };
  }

  /** The answer, updated with the changes that were pushed meanwhile. */
  #current(answer: PresenceSnapshot): PresenceSnapshot {
    const known = this.#of(answer.room);
    if (!known) return answer;
    const { occupancy } = answer;
    if (!occupancy) return { ...answer, users: answer.users.map((presence) => known.get(presence.user) ?? presence) };
    const users = [...known.values()].filter((presence): presence is Presence => presence?.online === true);
    // Users who did not fit into the answer may be among those who were pushed.
    return { ...answer, users, occupancy: { ...occupancy, users: namesAll(answer) ? users.length : occupancy.users } };
  }

  /** The users who were there before the question, are not in the answer, and have not changed since. */
  #takeOut(room: string, before: Known, there: ReadonlySet<string>): Presence[] {
    const known = this.#of(room);
    return [...before].flatMap(([user, presence]) => {
      if (!presence?.online || there.has(user) || known?.get(user) !== presence) return [];
      const gone = { ...presence, online: false };
      known.set(user, gone);
      return [gone];
    });
  }

  /** @returns The users that have changed. */
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
      return before?.online !== now.online || before.sinceMs !== now.sinceMs;
    });
  }

  #tell({ room, users }: Change): void {
    const told = users.filter((presence) => {
      const ending = this.#ending.get(keyOf(room === undefined ? [presence.user] : { room }));
      ending?.missed.push({ room, users: [presence] });
      return !ending;
    });
    if (told.length > 0) this.#core.emit('presence', { ...(room !== undefined && { room }), users: told });
  }

  #of(room: string | undefined): Known | undefined {
    return room === undefined ? this.#users : this.#rooms.get(room);
  }
}

/** Each user and each room by itself. */
export function partsOf(targets: readonly PresenceTarget[]): readonly PresenceTarget[] {
  return targets.flatMap((target): PresenceTarget[] =>
    'room' in target ? [{ room: target.room }] : target.map((user) => [user]),
  );
}

function nameOf(part: PresenceTarget): string {
  return 'room' in part ? part.room : (part[0] ?? '');
}

/** Names a target. */
export function keyOf(part: PresenceTarget): string {
  return JSON.stringify(part);
}

/** The part of the frame that says whom it is about. */
function toFields(target: PresenceTarget): object {
  return 'room' in target ? { room: target.room } : { users: [...target] };
}

function watchFields(target: PresenceTarget): FieldsOf<'presence'> {
  return { ...toFields(target), watch: true } as FieldsOf<'presence'>;
}

/** Whether the answer names everybody who is in the room. */
function namesAll({ users, occupancy }: PresenceSnapshot): boolean {
  return occupancy !== undefined && occupancy.users <= users.length;
}

function sinceMs(presence: Presence | undefined): number {
  return presence?.sinceMs ?? 0;
}
