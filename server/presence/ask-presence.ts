import {
  frameCharge,
  MAX_USERS_PER_PRESENCE,
  type Presence,
  type PresenceFrame,
  type PresenceReply,
  problem,
  type Result,
  TARIFF,
} from '../../protocol/index.ts';
import { type Address, presenceAddress, roomAddress, userAddress } from '../address.ts';
import { type Now, toSeconds } from '../clock.ts';
import { MAX_SOCKETS, mapConcurrently } from '../concurrency.ts';
import type { Claims, Connection } from '../connections/connection.ts';
import { CONNECTION_LIFE_SECONDS, type Directory } from '../connections/directory.ts';
import type { Permit } from '../gate/gate.ts';
import type { Subscribe } from '../rooms/subscribe.ts';
import type { Tasks } from '../tasks.ts';
import { isPresent, occupancy } from './occupancy.ts';
import type { PresenceState, PresenceStates } from './presence-state.ts';
import { createPresenceSweeps } from './presence-sweep.ts';

/**
 * Tells who is online or in a room.
 *
 * Without `watch`, it tells the presence of this moment. With `watch`, it tells the presence state so far, and every
 * change is pushed: the reply and the pushes together are right at any moment, whatever happens in between.
 */
export type AskPresence = (connection: Connection, frame: PresenceFrame) => Promise<Result<Omit<PresenceReply, 'id'>>>;

export interface AskPresenceDependencies {
  readonly permit: Permit;
  readonly subscribe: Subscribe;
  readonly directory: Directory;
  readonly presenceStates: PresenceStates;
  readonly tasks: Tasks;
  /** The Management API endpoint of the API that holds the connections. */
  readonly callbackUrl: string;
  readonly now: Now;
}

/** The connection, the addresses it asks about, and the cost of the frame. */
type Asked = readonly [connection: Connection, addresses: readonly Address[], cost: number];

export function createAskPresence(dependencies: AskPresenceDependencies): AskPresence {
  const { permit, subscribe, directory, presenceStates, callbackUrl, now } = dependencies;
  const sweeps = createPresenceSweeps(dependencies);
  const ask = (...[connection, addresses, cost]: Asked) => permit(connection, 'presence', addresses, { cost });

  async function startWatching(...asked: Asked): Promise<Result<Claims>> {
    const [connection, addresses] = asked;
    const permitted = await ask(...asked);
    if (!permitted.ok) return permitted;
    const refused = await subscribe(connection, 'watches', addresses);
    if (refused) return { ok: false, problem: refused };
    const registeredAt = toSeconds(now());
    const expiresAt = registeredAt + CONNECTION_LIFE_SECONDS;
    const common = { ...connection, ...permitted.value, callbackUrl, attempt: 0, registeredAt, expiresAt };
    const outcomes = await mapConcurrently(addresses, MAX_SOCKETS, (address) =>
      directory.put({ ...common, address: presenceAddress(address) }),
    );
    return outcomes.includes('removed') ? { ok: false, problem: problem('connection_removed') } : permitted;
  }

  async function stopWatching(...asked: Asked): Promise<Result<Claims>> {
    const [connection, addresses] = asked;
    const permitted = await ask(...asked);
    if (!permitted.ok) return permitted;
    const { connectionId, userId } = connection;
    await directory.unsubscribe(connectionId, addresses.map(presenceAddress));
    await directory.removeSubscriptions(userAddress(userId), connectionId, { kind: 'watches', addresses });
    return permitted;
  }

  function enter(watch: boolean | undefined, ...asked: Asked) {
    if (watch === undefined) return ask(...asked);
    return watch ? startWatching(...asked) : stopWatching(...asked);
  }

  async function ofUsers(userIds: readonly string[], isWatched: boolean, atGate: Promise<Result<Claims>>) {
    const [admitted, all] = await Promise.all([atGate, presenceStates.readUsers(userIds)]);
    if (!admitted.ok) return admitted;
    const online = all.filter((each) => each.online).map(({ userId }) => userId);
    // A user may be gone without a trace although the state says online: without watchers there is no sweep.
    if (isWatched) await sweeps.start(online.map(userAddress));
    const present = isWatched ? online : await onlyPresent(online);
    const announced = new Map(all.map((each) => [each.userId, each]));
    const users = userIds.map((userId) => toPresence(userId, present.includes(userId), announced.get(userId)));
    return reply({ users });
  }

  async function onlyPresent(userIds: readonly string[]): Promise<readonly string[]> {
    const present = await mapConcurrently(userIds, MAX_SOCKETS, async (userId) =>
      (await isPresent(directory, userAddress(userId), userId)) ? [userId] : [],
    );
    return present.flat();
  }

  async function ofRoom(room: string, isWatched: boolean, atGate: Promise<Result<Claims>>) {
    const admitted = await atGate;
    if (!admitted.ok) return admitted;
    const address = roomAddress(room);
    const [all, present] = await Promise.all([presenceStates.online(address), occupancy(directory, address)]);
    if (isWatched && all.length > 0) await sweeps.start([address]);
    const announced = new Map(all.map((each) => [each.userId, each]));
    const inRoom = [...(isWatched ? announced : present).keys()];
    const connections = [...present.values()].reduce((sum, each) => sum + each.connections, 0);
    return reply({
      room,
      users: inRoom.slice(0, MAX_USERS_PER_PRESENCE).map((userId) => toPresence(userId, true, announced.get(userId))),
      occupancy: { users: inRoom.length, connections },
    });
  }

  return async (connection, frame) => {
    const { watch } = frame;
    const userIds = 'users' in frame ? [...new Set(frame.users)] : [];
    const addresses = 'users' in frame ? userIds.map(userAddress) : [roomAddress(frame.room)];
    const atGate = enter(watch, connection, addresses, frameCharge(frame, TARIFF));
    // The state is read after the watch has begun: later changes are pushed, earlier ones are read.
    if (watch !== undefined) await atGate;
    return 'users' in frame ? ofUsers(userIds, watch === true, atGate) : ofRoom(frame.room, watch === true, atGate);
  };
}

/** The time of the presence state holds only if the state is true. */
function toPresence(user: string, online: boolean, announced: PresenceState | undefined): Presence {
  return { user, online, ...(announced?.online === online && { sinceMs: announced.sinceMs }) };
}

function reply(value: Omit<PresenceReply, 'type' | 'id'>): Result<Omit<PresenceReply, 'id'>> {
  return { ok: true, value: { type: 'presence', ...value } };
}
