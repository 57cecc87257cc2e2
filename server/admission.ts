import { problem, type Result } from '../protocol/index.ts';
import type { Accounts } from './accounts.ts';
import { type Address, userAddress } from './address.ts';
import { allows, forbidden, hashCapability, type Operation } from './capability.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Claims, Connection } from './connection.ts';
import type { Directory, Touched, TouchRefusal } from './directory.ts';
import type { Leaving } from './disconnect.ts';
import { IDLE_SECONDS } from './expiry.ts';
import { burstMs, type RateLimit } from './rate-limit.ts';
import type { Tasks } from './tasks.ts';

export interface AdmitOptions {
  /** How many messages are sent. @default 1 */
  readonly cost?: number;
}

/**
 * The gate before whatever a registered connection asks for: notes the sign of life, charges the rate limit, and gives the
 * claims that hold now, or says why nothing may be done. One conditional write, so that sending costs no look-up of the
 * sender; and one read where a newer token has brought another capability than the one that opened the connection.
 */
export type Admit = (
  connection: Pick<Connection, 'connectionId' | 'userId' | 'capability'>,
  options?: AdmitOptions,
) => Promise<Result<Claims>>;

type Registered = Parameters<Admit>[0];

export interface AdmitDependencies {
  readonly directory: Directory;
  readonly accounts: Accounts;
  readonly tasks: Tasks;
  /** Of each connection. */
  readonly rateLimit: RateLimit;
  /** Of each user, over all their connections. */
  readonly userRateLimit: RateLimit;
  readonly now: Now;
}

/**
 * A user is charged for what a connection sends when it has come to this part of the user's burst: a connection may be ahead
 * by as much, and one write more is to be made for each.
 */
const INSTALMENTS_PER_BURST = 10;

/** Frames that a connection may send in a row although it has been told to wait; then it is closed. */
const MAX_REFUSALS = 100;

/** How long whoever did not wait is kept away, in milliseconds. */
const PENALTY_MS = 60_000;

/** How long a connection stays open whose token has expired, in seconds: time to hear of it, and to register a newer one. */
export const GRACE_SECONDS = 10;

/** Refused frames for each task that closes their connection: one may get lost. */
const REFUSALS_PER_TASK = 20;

export function createAdmit(dependencies: AdmitDependencies): Admit {
  const { directory, accounts, tasks, rateLimit, userRateLimit, now } = dependencies;
  const instalment = Math.max(1, Math.floor(userRateLimit.burst / INSTALMENTS_PER_BURST));

  /** Sees to a connection that goes on although it has been told why it must not. */
  async function onRefused(leaving: Leaving, refused: TouchRefusal['refused']): Promise<void> {
    const refusals = await directory.countRefusal(userAddress(leaving.userId), leaving.connectionId);
    if (refused === 'rate_limited' && refusals === MAX_REFUSALS) {
      const bye = { ...problem(refused), reconnect: true, retryAfterMs: PENALTY_MS };
      await tasks.add([{ kind: 'disconnect', ...leaving, bye }]);
    }
    if (refused === 'token_expired' && refusals % REFUSALS_PER_TASK === 1) {
      const bye = { ...problem(refused), reconnect: true };
      await tasks.add([{ kind: 'disconnect', ...leaving, bye, unlessLive: true, delaySeconds: GRACE_SECONDS }]);
    }
  }

  /**
   * Charges the user for what a connection has sent, or lets the connection wait until that can be done.
   * @param cost of the frame at hand, which is refused then
   * @returns how long to wait
   */
  async function chargeUser({ connectionId, userId }: Registered, due: number, cost: number) {
    const retryAfterMs = await accounts.charge(userId, { limit: userRateLimit, cost: due });
    if (retryAfterMs === 0) return 0;
    const arrivesAt = now() + retryAfterMs + burstMs(rateLimit);
    await directory.holdBack(userAddress(userId), connectionId, { cost, arrivesAt });
    return retryAfterMs;
  }

  /** The claims of a connection that was let through. Those that opened it hold while their capability is the registered one. */
  async function claimsOf({ connectionId, userId, capability: opened }: Registered, touched: Touched) {
    const { tokenExpiresAt, capabilityHash } = touched;
    const capability =
      hashCapability(opened) === capabilityHash
        ? opened
        : await directory.capability(userAddress(userId), connectionId, capabilityHash);
    // Two registrations at once, of which one has died: the client registers again.
    if (!capability) return { ok: false, problem: problem('not_registered') } as const;
    return { ok: true, value: { tokenExpiresAt, capability } } as const;
  }

  return async (connection, { cost = 1 } = {}) => {
    const { connectionId, userId } = connection;
    const touched = await directory.touch(userAddress(userId), connectionId, {
      expiresAt: toSeconds(now()) + IDLE_SECONDS,
      charge: { limit: rateLimit, cost },
    });
    if (!('refused' in touched)) {
      const { charged } = touched;
      const due = Math.floor(charged / instalment) - Math.floor((charged - cost) / instalment);
      const retryAfterMs = due === 0 ? 0 : await chargeUser(connection, due * instalment, cost);
      if (retryAfterMs === 0) return claimsOf(connection, touched);
      return { ok: false, problem: { ...problem('rate_limited'), retryAfterMs } };
    }
    const { refused, retryAfterMs, callbackUrl } = touched;
    if (callbackUrl !== undefined) await onRefused({ connectionId, userId, callbackUrl }, refused);
    return { ok: false, problem: { ...problem(refused), ...(retryAfterMs !== undefined && { retryAfterMs }) } };
  };
}

/** The gate before an operation at some addresses: all of them, or none. Nothing is written for what it refuses. */
export type Permit = (
  connection: Connection,
  operation: Operation,
  addresses: readonly Address[],
) => Promise<Result<Claims>>;

export function createPermit(admit: Admit): Permit {
  return async (connection, operation, addresses) => {
    const admitted = await admit(connection);
    if (!admitted.ok) return admitted;
    const address = addresses.find((each) => !allows(admitted.value.capability, operation, each));
    return address ? { ok: false, problem: forbidden(operation, address) } : admitted;
  };
}
