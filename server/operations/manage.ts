import { problem, type Result } from '../../protocol/index.ts';
import { userAddress } from '../address.ts';
import { REVOKED_BYE, type Revocations } from '../auth/revocations.ts';
import { type Now, toSeconds } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { Directory } from '../connections/directory.ts';
import type { Disconnect } from '../connections/disconnect.ts';
import { type InvocationContext, invocationEdge } from '../edge/invocation.ts';
import type { Logger } from '../logger.ts';
import { allBlocked, setBlocked } from '../sending/block.ts';
import type { Inboxes } from '../sending/inboxes.ts';
import type { Erasure } from './erasure.ts';
import { type ManageEvent, parseEvent } from './manage-event.ts';

/** What has been done. */
export interface ManageResult {
  /** Connections that were closed. */
  readonly disconnected: number;
  /** Items that were deleted. */
  readonly deleted: number;
  /** Whether nothing is left to do; otherwise invoke it again. */
  readonly done: boolean;
  /** The users that the user has blocked, if the command asked for them. */
  readonly blocked?: readonly string[];
}

export interface ManageDependencies {
  readonly directory: Directory;
  readonly disconnect: Disconnect;
  readonly revocations: Pick<Revocations, 'revoke'>;
  readonly erasure: Erasure;
  readonly inboxes: Inboxes;
  readonly log: Logger;
  readonly now: Now;
}

/** Connections closed at once. */
const MAX_CONCURRENT_DISCONNECTS = 10;

/** Connections to close, and items to delete, in one invocation: well within its ten seconds. */
const MAX_DISCONNECTS = 200;
const MAX_DELETIONS = 2_000;

const NOTHING_LEFT: ManageResult = { disconnected: 0, deleted: 0, done: true };

/**
 * The `manage` function.
 * @throws InvocationError with the code `invalid_frame` and what is wrong with the event; with `internal` if something fails
 */
export function createManage(
  dependencies: ManageDependencies,
): (event: unknown, context: InvocationContext) => Promise<ManageResult> {
  const { directory, disconnect, revocations, erasure, inboxes, log, now } = dependencies;

  async function disconnectAll(
    user: string,
    bye: Parameters<Disconnect>[1],
    connectionId?: string,
  ): Promise<Pick<ManageResult, 'disconnected' | 'done'>> {
    const range = connectionId === undefined ? {} : { range: { first: connectionId, last: connectionId } };
    const found = await directory.find(userAddress(user), { consistent: true, limit: MAX_DISCONNECTS + 1, ...range });
    const leaving = found.slice(0, MAX_DISCONNECTS);
    await mapConcurrently(leaving, MAX_CONCURRENT_DISCONNECTS, (mapping) => disconnect(mapping, bye));
    return { disconnected: leaving.length, done: leaving.length === found.length };
  }

  async function revoke(user: string): Promise<ManageResult> {
    // First the revocation, then the look: a registration in between finds the one, or is found by the other.
    await revocations.revoke(user, toSeconds(now()));
    return { deleted: 0, ...(await disconnectAll(user, REVOKED_BYE)) };
  }

  async function forget(user: string): Promise<ManageResult> {
    const { disconnected, done } = await disconnectAll(user, { ...problem('disconnected'), reconnect: false });
    if (!done) return { disconnected, deleted: 0, done };
    const deleted = await erasure.eraseUser(user, MAX_DELETIONS);
    return { disconnected, deleted, done: deleted < MAX_DELETIONS };
  }

  async function block(
    { user, sender }: { user: string; sender: string },
    isBlocked: boolean,
  ): Promise<Result<ManageResult>> {
    const wrong = await setBlocked(inboxes, { recipient: user, sender }, isBlocked);
    return wrong ? { ok: false, problem: wrong } : { ok: true, value: NOTHING_LEFT };
  }

  async function manage(event: ManageEvent): Promise<Result<ManageResult>> {
    if ('revoke' in event) return done(await revoke(event.revoke.user));
    if ('forget' in event) return done(await forget(event.forget.user));
    if ('block' in event) return block(event.block, true);
    if ('unblock' in event) return block(event.unblock, false);
    if ('blocked' in event) return done({ ...NOTHING_LEFT, blocked: await allBlocked(inboxes, event.blocked.user) });
    const { user, connectionId, reason, reconnect = false } = event.disconnect;
    const bye = { ...problem('disconnected', reason), reconnect };
    return done({ deleted: 0, ...(await disconnectAll(user, bye, connectionId)) });
  }

  return invocationEdge('manage', { log, now }, async (event) => {
    const parsed = parseEvent(event);
    if (!parsed.ok) return { problem: parsed.problem };
    const managed = await manage(parsed.value);
    const [command = ''] = Object.keys(parsed.value);
    return managed.ok ? { result: managed.value, line: { reason: command } } : { problem: managed.problem };
  });
}

function done(value: ManageResult): Result<ManageResult> {
  return { ok: true, value };
}
