import {
  backoffCapSeconds,
  DEFAULT_LIMITS,
  OVERLAP_MS,
  problem,
  type RegisteredReply,
  type RegisterFrame,
  type Result,
} from '../protocol/index.ts';
import { userAddress } from './address.ts';
import type { AddressState, AddressStates } from './address-state.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Directory, PutOutcome } from './directory.ts';
import { mappingExpiry } from './expiry.ts';
import type { MessageLog } from './message-log.ts';
import { serialFloor, serialTime } from './serial.ts';

/** Makes a connection one of its user's, and gives it what it has missed. */
export type Register = (
  connection: Connection,
  frame: Pick<RegisterFrame, 'since' | 'after' | 'attempt'>,
) => Promise<Result<Omit<RegisteredReply, 'id'>>>;

export interface RegisterDependencies {
  readonly directory: Directory;
  readonly log: MessageLog;
  readonly states: AddressStates;
  /** The Management API endpoint of the API that holds the connections. */
  readonly callbackUrl: string;
  readonly retentionSeconds: number;
  /** How many connections there may be at once: clients spread their attempts to come back accordingly. */
  readonly expectedConnections: number;
  readonly now: Now;
}

const REFUSED = { superseded: 'superseded', removed: 'connection_removed' } as const satisfies Record<
  Exclude<PutOutcome, 'registered'>,
  string
>;

export function createRegister(dependencies: RegisterDependencies): Register {
  const { directory, log, states, callbackUrl, retentionSeconds, expectedConnections, now } = dependencies;
  const limits = { ...DEFAULT_LIMITS, maxBackoffSeconds: backoffCapSeconds(expectedConnections) };

  async function reply(connection: Connection, from: { after: string; recovered: boolean }) {
    const { connectionId, userId, tokenExpiresAt } = connection;
    // Read before the log: whatever is sent from now on is behind this cursor, or within the overlap before it.
    const serverTime = now();
    const { messages, more } = await log.read(userAddress(userId), from.after);
    const expiresAt = mappingExpiry(toSeconds(serverTime), tokenExpiresAt) * 1000;
    const { recovered } = from;
    const cursor = serialFloor(serverTime);
    const value = { userId, connectionId, recovered, messages, more, cursor, serverTime, expiresAt };
    return { ok: true, value: { type: 'registered', ...value, limits } } as const;
  }

  async function put(connection: Connection, attempt: number): Promise<PutOutcome> {
    const registeredAt = toSeconds(now());
    const expiresAt = mappingExpiry(registeredAt, connection.tokenExpiresAt);
    const address = userAddress(connection.userId);
    return directory.put({ ...connection, address, callbackUrl, attempt, registeredAt, expiresAt });
  }

  return async (connection, { since, after, attempt = 0 }) => {
    const nowMs = now();
    if (connection.tokenExpiresAt <= toSeconds(nowMs)) return { ok: false, problem: problem('token_expired') };
    if (since !== undefined && isInFuture(since, nowMs)) return { ok: false, problem: problem('invalid_cursor') };
    if (after !== undefined) return reply(connection, { after, recovered: true });
    // First the mapping, then the rest: a message is either posted to the mapping or found in the log, or both; and a
    // late one either finds the mapping or has left its mark before.
    const outcome = await put(connection, attempt);
    if (outcome !== 'registered') return { ok: false, problem: problem(REFUSED[outcome]) };
    const state = await states.read(userAddress(connection.userId));
    return reply(connection, resumeFrom(since, state, nowMs - retentionSeconds * 1000));
  };
}

/** A cursor that no clock of ours can have given. */
export function isInFuture(cursor: string, nowMs: number): boolean {
  return serialTime(cursor) > nowMs + OVERLAP_MS;
}

/** Where the log is read from, and whether everything from `since` on is still there. */
function resumeFrom(since: string | undefined, { cursor, late }: AddressState, horizonMs: number) {
  const start = since ?? cursor;
  if (start === undefined) return { after: serialFloor(horizonMs), recovered: true };
  const startMs = serialTime(start);
  const lateMs = late && startMs < late.markedAt ? serialTime(late.serial) : startMs;
  const fromMs = Math.min(startMs, lateMs) - OVERLAP_MS;
  return { after: serialFloor(Math.max(fromMs, horizonMs)), recovered: since === undefined || startMs >= horizonMs };
}
