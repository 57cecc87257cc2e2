import {
  backoffCapSeconds,
  DEFAULT_LIMITS,
  problem,
  type RegisteredReply,
  type RegisterFrame,
  type Result,
  type SizeLimits,
  type Tariff,
} from '../../protocol/index.ts';
import { conversationOf, presenceAddress, type RoomAddress, userAddress } from '../address.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { allows, hashCapability } from '../auth/capability.ts';
import { isRevoked, REVOKED_BYE, type Revocations } from '../auth/revocations.ts';
import { type Now, toSeconds } from '../clock.ts';
import type { Admit } from '../gate/gate.ts';
import type { RateLimit } from '../gate/rate-limit.ts';
import { type Surcharge, WRITE_UNITS_PER_UNIT } from '../gate/user-budget.ts';
import { fittingRooms } from '../reply-size.ts';
import type { Tasks } from '../tasks.ts';
import type { Connection } from './connection.ts';
import { type Directory, mappingExpiry, topicsOf } from './directory.ts';
import type { Resume } from './resume.ts';

/** Makes the connection one of its user's, and returns the messages that it missed. */
export type Register = (
  connection: Connection,
  frame: Pick<RegisterFrame, 'cursor' | 'after' | 'attempt' | 'token'>,
) => Promise<Result<Omit<RegisteredReply, 'id'>>>;

export interface RegisterDependencies {
  readonly resume: Resume;
  readonly admit: Admit;
  readonly directory: Directory;
  readonly authenticate: Authenticate;
  readonly revocations: Pick<Revocations, 'revokedUntil'>;
  readonly tasks: Tasks;
  /** The Management API endpoint of the API that holds the connections. */
  readonly callbackUrl: string;
  /** How many connections there may be at once: clients spread their attempts to reconnect accordingly. */
  readonly expectedConnections: number;
  /** Clients are told, and keep to it. */
  readonly rateLimit: RateLimit;
  /** Clients are told. */
  readonly sizeLimits: SizeLimits;
  /** Clients are told. */
  readonly tariff: Tariff;
  /** Charges for the mappings that a newer token extends. */
  readonly surcharge: Surcharge;
  readonly now: Now;
}

export function createRegister(dependencies: RegisterDependencies): Register {
  const { resume, admit, directory, authenticate, revocations, tasks, callbackUrl, now, surcharge } = dependencies;
  const { perSecond: ratePerSecond, burst: rateBurst } = dependencies.rateLimit;
  const maxBackoffSeconds = backoffCapSeconds(dependencies.expectedConnections);
  const limits = {
    ...DEFAULT_LIMITS,
    ...dependencies.sizeLimits,
    maxBackoffSeconds,
    ratePerSecond,
    rateBurst,
    tariff: dependencies.tariff,
  };

  /** The connection, with the claims of a newer token. */
  async function withToken(connection: Connection, token: string | undefined): Promise<Result<Connection>> {
    if (token === undefined) return { ok: true, value: connection };
    const identity = await authenticate(token);
    const isOwn = !('refused' in identity) && identity.userId === connection.userId;
    if (!isOwn) return { ok: false, problem: problem('invalid_token') };
    return { ok: true, value: { connectionId: connection.connectionId, ...identity } };
  }

  async function refuseRevoked({ connectionId, userId }: Connection): Promise<Result<never>> {
    await directory.remove(userAddress(userId), connectionId);
    // The reply may come too late: the connection is told why before it is closed.
    await tasks.add([{ kind: 'disconnect', connectionId, userId, callbackUrl, bye: REVOKED_BYE }]);
    return { ok: false, problem: problem('revoked') };
  }

  /**
   * Keeps a new capability before the mapping has its hash: from then on the gate may look for it. The gate knows the
   * capability that opened the connection.
   */
  async function keepCapability(opened: Connection, { connectionId, userId, capability }: Connection, attempt = 0) {
    if (hashCapability(capability) === hashCapability(opened.capability)) return;
    await directory.keepCapability(userAddress(userId), connectionId, { capability, attempt });
  }

  /**
   * Extends the connection's other mappings to the newer token's expiry, as far as its capability allows.
   * @returns the rooms that the connection is in
   */
  async function renew(connection: Connection): Promise<readonly string[]> {
    const { connectionId, userId, capability } = connection;
    const { rooms, watches } = await directory.subscriptions(userAddress(userId), connectionId);
    const allowed = {
      rooms: rooms.filter((room) => allows(capability, 'join', room)),
      watches: watches.filter((address) => allows(capability, 'presence', address)),
    };
    const topics = topicsOf(allowed);
    const [renewed] = await Promise.all([
      directory.renew(connectionId, topics, connection.tokenExpiresAt),
      surcharge(userId, Math.floor(topics.length / WRITE_UNITS_PER_UNIT)),
    ]);
    const kept = allowed.rooms.filter((room) => renewed.includes(room));
    const lost = {
      rooms: rooms.filter((room) => !kept.includes(room)),
      watches: watches.filter((address) => !renewed.includes(presenceAddress(address))),
    };
    await directory.unsubscribe(connectionId, topicsOf(lost));
    for (const kind of ['rooms', 'watches'] as const) {
      await directory.removeSubscriptions(userAddress(userId), connectionId, { kind, addresses: lost[kind] });
    }
    await tasks.add(lost.rooms.map((address) => ({ kind: 'presence', address, userId })));
    return kept.map(nameOf);
  }

  return async (opened, { token, ...frame }) => {
    const presented = await withToken(opened, token);
    if (!presented.ok) return presented;
    const connection = presented.value;
    const { connectionId, userId, tokenExpiresAt } = connection;
    const nowSeconds = toSeconds(now());
    if (tokenExpiresAt <= nowSeconds) return { ok: false, problem: problem('token_expired') };
    // A registration is charged when it is made; its further pages pass the gate like other frames.
    const admitted = frame.after === undefined ? undefined : await admit(opened);
    if (admitted && !admitted.ok) return admitted;
    if (!admitted) await keepCapability(opened, connection, frame.attempt);
    const expiresAt = mappingExpiry(nowSeconds, tokenExpiresAt);
    const resumed = await resume({ connection, address: userAddress(userId), expiresAt }, frame);
    if (!resumed.ok) return resumed;
    // After the mapping exists: a revocation either finds the mapping, or is found here.
    if (isRevoked(connection, await revocations.revokedUntil(userId))) return refuseRevoked(connection);
    const rooms = token === undefined ? undefined : await renew(connection);
    const value = { userId, connectionId, ...resumed.value, expiresAt: expiresAt * 1000, limits };
    const reply = { type: 'registered', ...value } as const;
    return { ok: true, value: { ...reply, ...(rooms && { rooms: fittingRooms(reply, rooms) }) } };
  };
}

function nameOf(address: RoomAddress): string {
  const { room = '' } = conversationOf(address) as { readonly room?: string };
  return room;
}
