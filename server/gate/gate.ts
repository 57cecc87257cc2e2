import { frameCharge, type Problem, problem, type Result, TARIFF } from '../../protocol/index.ts';
import { type Correspondent, userAddress } from '../address.ts';
import { allows, forbidden, hashCapability, type Operation } from '../auth/capability.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Claims, Connection } from '../connections/connection.ts';
import {
  type Directory,
  IDLE_SECONDS,
  type Registration,
  type Touched,
  type TouchRefusal,
} from '../connections/directory.ts';
import { burstMs, type RateLimit } from './rate-limit.ts';
import type { UserBudgets } from './user-budget.ts';

export interface GateOptions {
  /** What the frame costs, in units: see `protocol/charges.ts`. @default 1 */
  readonly cost?: number;
}

/**
 * The gate before every frame of a registered connection: keeps the connection alive, charges its rate limit, and
 * returns the current claims, or why the frame is refused. It makes one conditional write, so that sending needs no
 * read of the sender; and one read if a newer token has another capability than the one that opened the connection.
 */
export type Admit = (
  connection: Pick<Connection, 'connectionId' | 'userId' | 'capability'>,
  options?: GateOptions,
) => Promise<Result<Claims>>;

type Registered = Parameters<Admit>[0];

/**
 * The gate before a registration: makes the mapping and charges for it.
 * @returns why it was not made
 */
export type Enter = (registration: Registration) => Promise<Problem | undefined>;

export interface GateDependencies {
  readonly directory: Directory;
  readonly userBudgets: UserBudgets;
  /** Of each connection. */
  readonly rateLimit: RateLimit;
  /** Of each user, over all their connections. */
  readonly userRateLimit: RateLimit;
  readonly now: Now;
}

/**
 * A user is charged once a connection has used this part of the user's burst. A connection may be ahead by as much, and
 * each part costs one more write.
 */
const INSTALMENTS_PER_BURST = 10;

const REGISTER_CHARGE = frameCharge({ action: 'register' }, TARIFF);

/** The error code of a registration that was not made. */
const NOT_ENTERED = { superseded: 'superseded', removed: 'connection_removed' } as const;

/** Makes the two gates, which charge the same rate limits. */
export function createGate(dependencies: GateDependencies): { readonly admit: Admit; readonly enter: Enter } {
  const { directory, userBudgets, rateLimit, userRateLimit, now } = dependencies;
  const instalment = Math.max(1, Math.floor(userRateLimit.burst / INSTALMENTS_PER_BURST));

  /**
   * Charges the user if a connection has used another part of the burst. If the user cannot be charged yet, the
   * connection waits as long.
   * @param charged The sum of all charges of the connection.
   * @param cost What this frame costs, which is refused in that case.
   * @returns why it is refused
   */
  async function chargeUser(
    { connectionId, userId }: Pick<Registered, 'connectionId' | 'userId'>,
    charged: number,
    cost: number,
  ) {
    const instalments = Math.floor(charged / instalment) - Math.floor((charged - cost) / instalment);
    if (instalments === 0) return undefined;
    const retryAfterMs = await userBudgets.charge(userId, { limit: userRateLimit, cost: instalments * instalment });
    if (retryAfterMs === 0) return undefined;
    const arrivesAt = now() + retryAfterMs + burstMs(rateLimit);
    await directory.holdBack(userAddress(userId), connectionId, { cost, arrivesAt });
    return { ...problem('rate_limited'), retryAfterMs };
  }

  /**
   * The claims of a connection that has passed. The claims that opened it hold as long as their capability is the
   * registered one.
   */
  async function claimsOf({ connectionId, userId, capability: opened }: Registered, touched: Touched) {
    const { tokenExpiresAt, capabilityHash } = touched;
    const capability =
      hashCapability(opened) === capabilityHash
        ? opened
        : await directory.capability(userAddress(userId), connectionId, capabilityHash);
    // Two registrations came at once, and one of them died: the client registers again.
    if (!capability) return { ok: false, problem: problem('not_registered') } as const;
    return { ok: true, value: { tokenExpiresAt, capability } } as const;
  }

  return {
    async admit(connection, { cost = 1 } = {}) {
      const { connectionId, userId } = connection;
      const touched = await directory.touch(userAddress(userId), connectionId, {
        expiresAt: toSeconds(now()) + IDLE_SECONDS,
        charge: { limit: rateLimit, cost },
      });
      if ('refused' in touched) return { ok: false, problem: toProblem(touched) };
      const refused = await chargeUser(connection, touched.charged, cost);
      return refused ? { ok: false, problem: refused } : claimsOf(connection, touched);
    },

    async enter(registration) {
      const entered = await directory.enter(registration, { limit: rateLimit, cost: REGISTER_CHARGE });
      if (!('refused' in entered)) return chargeUser(registration, entered.charged, REGISTER_CHARGE);
      if (entered.refused === 'rate_limited') return toProblem(entered);
      return problem(NOT_ENTERED[entered.refused]);
    },
  };
}

function toProblem({ refused, retryAfterMs }: TouchRefusal): Problem {
  return { ...problem(refused), ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** Makes the mapping of a connection that has passed the gate, which has charged it. */
export function enterAdmitted(directory: Pick<Directory, 'put'>): Enter {
  return async (registration) => {
    const outcome = await directory.put(registration);
    return outcome === 'registered' ? undefined : problem(NOT_ENTERED[outcome]);
  };
}

/**
 * The gate before an operation at some addresses: all of them, or none. It writes nothing for a frame that it refuses.
 */
export type Permit = (
  connection: Connection,
  operation: Operation,
  addresses: readonly Correspondent[],
  options?: GateOptions,
) => Promise<Result<Claims>>;

export function createPermit(admit: Admit): Permit {
  return async (connection, operation, addresses, options) => {
    const admitted = await admit(connection, options);
    if (!admitted.ok) return admitted;
    const address = addresses.find((each) => !allows(admitted.value.capability, operation, each));
    return address ? { ok: false, problem: forbidden(operation, address) } : admitted;
  };
}
