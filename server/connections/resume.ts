import { OVERLAP_MS, problem, type RegisteredReply, type RegisterFrame, type Result } from '../../protocol/index.ts';
import { type Address, isRoom } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Enter } from '../gate/gate.ts';
import type { Arrive } from '../presence/presence.ts';
import type { MessageLog } from '../sending/message-log.ts';
import { isInFuture, serialFloor, serialTime } from '../serial.ts';
import type { AddressStates } from './address-state.ts';
import type { Connection } from './connection.ts';

/** A connection that subscribes to an address. */
export interface Subscription {
  readonly connection: Connection;
  readonly address: Address;
  /** Epoch seconds: when the mapping expires. */
  readonly expiresAt: number;
}

/** The missed messages, or the next page of them. */
export type Resumption = Pick<RegisteredReply, 'recovered' | 'messages' | 'more' | 'cursor' | 'serverTime' | 'shown'>;

/** Where a resume begins reading, and what is known at that point. */
type Beginning = { readonly after: string } & Pick<Resumption, 'recovered' | 'shown'>;

/**
 * Subscribes a connection to an address, and returns the messages that it missed there: from `cursor`, less an overlap.
 * Without `cursor`: for a user, the messages that no device has acknowledged; for a room, none. With `after`, it returns
 * the next page and subscribes to nothing.
 */
export type Resume = (
  subscription: Subscription,
  frame: Pick<RegisterFrame, 'cursor' | 'after' | 'attempt'>,
) => Promise<Result<Resumption>>;

export interface ResumeDependencies {
  /** Makes the mapping. */
  readonly enter: Enter;
  readonly log: MessageLog;
  readonly states: AddressStates;
  readonly arrive: Arrive;
  /** The Management API endpoint of the API that holds the connections. */
  readonly callbackUrl: string;
  readonly retentionSeconds: number;
  readonly now: Now;
}

export function createResume(dependencies: ResumeDependencies): Resume {
  const { enter, log, states, arrive, callbackUrl, retentionSeconds, now } = dependencies;

  async function page(address: Address, { after, ...from }: Beginning): Promise<Result<Resumption>> {
    // The time is read before the log: later messages are behind this cursor, or within the overlap before it.
    const serverTime = now();
    const { messages, more } = await log.read(address, after);
    return { ok: true, value: { ...from, messages, more, cursor: serialFloor(serverTime), serverTime } };
  }

  /** Where the log is read from, and whether it still has everything from `cursor` on. */
  async function beginning(address: Address, asked: string | undefined, nowMs: number) {
    if (asked === undefined && isRoom(address)) return { after: serialFloor(nowMs), recovered: true };
    const horizonMs = nowMs - retentionSeconds * 1000;
    const { cursor, late } = await states.read(address);
    const start = asked ?? cursor;
    if (start === undefined) return { after: serialFloor(horizonMs), recovered: true };
    const startMs = serialTime(start);
    const lateMs = late && startMs < late.markedAt ? serialTime(late.serial) : startMs;
    const fromMs = Math.min(startMs, lateMs) - OVERLAP_MS;
    return { after: serialFloor(Math.max(fromMs, horizonMs)), recovered: asked === undefined || startMs >= horizonMs };
  }

  return async ({ connection, address, expiresAt }, { cursor, after, attempt = 0 }) => {
    const nowMs = now();
    if (cursor !== undefined && isInFuture(cursor, nowMs)) return { ok: false, problem: problem('invalid_cursor') };
    if (after !== undefined) return page(address, { after, recovered: true });
    // First the mapping, then the rest: each message is posted to the mapping, or found in the log, or both; and a late
    // delivery finds the mapping, or has left its mark before.
    const registration = { ...connection, address, callbackUrl, attempt, registeredAt: toSeconds(nowMs), expiresAt };
    const refused = await enter(registration);
    if (refused) return { ok: false, problem: refused };
    const [from, shown] = await Promise.all([
      beginning(address, cursor, nowMs),
      cursor === undefined && !isRoom(address) ? states.readShown(address) : [],
      arrive(address, connection.userId),
    ]);
    return page(address, { ...from, ...(shown.length > 0 && { shown }) });
  };
}
