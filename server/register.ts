import {
  backoffCapSeconds,
  DEFAULT_LIMITS,
  problem,
  type RegisteredReply,
  type RegisterFrame,
  type Result,
} from '../protocol/index.ts';
import { userAddress } from './address.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Connection } from './connection.ts';
import { mappingExpiry } from './expiry.ts';
import type { Resume } from './resume.ts';

/** Makes a connection one of its user's, and gives it what it has missed. */
export type Register = (
  connection: Connection,
  frame: Pick<RegisterFrame, 'since' | 'after' | 'attempt'>,
) => Promise<Result<Omit<RegisteredReply, 'id'>>>;

export interface RegisterDependencies {
  readonly resume: Resume;
  /** How many connections there may be at once: clients spread their attempts to come back accordingly. */
  readonly expectedConnections: number;
  readonly now: Now;
}

export function createRegister({ resume, expectedConnections, now }: RegisterDependencies): Register {
  const limits = { ...DEFAULT_LIMITS, maxBackoffSeconds: backoffCapSeconds(expectedConnections) };
  return async (connection, frame) => {
    const { connectionId, userId, tokenExpiresAt } = connection;
    const nowSeconds = toSeconds(now());
    if (tokenExpiresAt <= nowSeconds) return { ok: false, problem: problem('token_expired') };
    const expiresAt = mappingExpiry(nowSeconds, tokenExpiresAt);
    const resumed = await resume({ connection, address: userAddress(userId), expiresAt }, frame);
    if (!resumed.ok) return resumed;
    const value = { userId, connectionId, ...resumed.value, expiresAt: expiresAt * 1000, limits };
    return { ok: true, value: { type: 'registered', ...value } };
  };
}
