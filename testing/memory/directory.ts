import { type Address, presenceAddress, userAddress } from '../../server/address.ts';
import { type Capability, hashCapability } from '../../server/auth/capability.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import {
  type Directory,
  EXPIRY_MARGIN_SECONDS,
  type Mapping,
  type Registration,
  type Subscriptions,
  type TouchRefusal,
  topicsOf,
} from '../../server/connections/directory.ts';
import { arrival, type Charge } from '../../server/gate/rate-limit.ts';
import { deleteWhere, type Erasable } from './erasure.ts';

interface Pace {
  /** The rate limit's theoretical arrival time, epoch milliseconds. */
  readonly arrivesAt: number;
  readonly charged: number;
}

interface Item extends Registration, Pace {
  readonly removed: boolean;
}

/** A connection's item, apart from its mappings. */
interface SubscriptionsItem extends Subscriptions {
  /** A newer token's capability, the previous one, and the attempt that stored the newer one. */
  readonly capabilities: readonly Capability[];
  readonly attempt: number;
}

const NO_SUBSCRIPTIONS: SubscriptionsItem = { rooms: [], watches: [], capabilities: [], attempt: 0 };
const IDLE: Pace = { arrivesAt: 0, charged: 0 };

const endsAt = ({ expiresAt, tokenExpiresAt }: Registration) => Math.min(expiresAt, tokenExpiresAt);

/** The contents of the table. */
export interface MemoryDirectory extends Directory, Erasable {
  /** Mappings, by topic and connection. */
  readonly items: Map<string, Item>;
  /** Subscriptions, by user and connection. */
  readonly subscriptionItems: Map<string, SubscriptionsItem>;
}

/** A directory in memory. The contract tests hold it to the rules of the DynamoDB directory. */
export function createMemoryDirectory(now: Now): MemoryDirectory {
  const items = new Map<string, Item>();
  const subscriptionItems = new Map<string, SubscriptionsItem>();
  const key = (address: string, connectionId: string) => JSON.stringify([address, connectionId]);
  const live = (address: string) =>
    [...items.values()]
      .filter((item) => item.address === address && !item.removed && endsAt(item) > toSeconds(now()))
      .sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
  return {
    items,
    subscriptionItems,
    async put(registration) {
      const existing = items.get(key(registration.address, registration.connectionId));
      if (existing?.removed) return 'removed';
      if (existing && existing.attempt > registration.attempt) return 'superseded';
      items.set(key(registration.address, registration.connectionId), {
        ...IDLE,
        ...existing,
        ...registration,
        removed: false,
      });
      return 'registered';
    },
    async enter(registration, charge) {
      const id = key(registration.address, registration.connectionId);
      const existing = items.get(id);
      if (existing?.removed) return { refused: 'removed' };
      if (existing && existing.attempt > registration.attempt) return { refused: 'superseded' };
      const pace = charged(existing ?? IDLE, charge, now());
      if ('refused' in pace) return pace;
      items.set(id, { ...IDLE, ...existing, ...registration, ...pace, removed: false });
      return { charged: pace.charged };
    },
    async find(address, { limit, range }) {
      return live(address)
        .filter(({ connectionId }) => !range || (connectionId >= range.first && connectionId <= range.last))
        .map(toMapping)
        .slice(0, limit);
    },
    async members(room, userId) {
      return live(room).flatMap((item) => {
        if (userId !== undefined && item.userId !== userId) return [];
        const ofUser = live(userAddress(item.userId)).find(({ connectionId }) => connectionId === item.connectionId);
        return ofUser ? [{ ...toMapping(item), expiresAt: Math.min(endsAt(item), endsAt(ofUser)) }] : [];
      });
    },
    async touch(address, connectionId, { expiresAt, charge }) {
      const item = items.get(key(address, connectionId));
      const soonSeconds = toSeconds(now()) + EXPIRY_MARGIN_SECONDS;
      if (item && !item.removed && item.tokenExpiresAt <= soonSeconds) return { refused: 'token_expired' };
      if (!item || item.removed || item.expiresAt <= soonSeconds) return { refused: 'not_registered' };
      const pace = charge ? charged(item, charge, now()) : { charged: item.charged };
      if ('refused' in pace) return pace;
      items.set(key(address, connectionId), { ...item, ...pace, expiresAt });
      const { tokenExpiresAt, capability } = item;
      return { tokenExpiresAt, capabilityHash: hashCapability(capability), charged: pace.charged };
    },
    async holdBack(address, connectionId, { cost, arrivesAt }) {
      const item = items.get(key(address, connectionId));
      if (item) items.set(key(address, connectionId), { ...item, charged: item.charged - cost, arrivesAt });
    },
    async addSubscriptions(address, connectionId, { kind, addresses }, most) {
      const item = subscriptionItems.get(key(address, connectionId)) ?? NO_SUBSCRIPTIONS;
      const all = [...new Set<Address>([...item[kind], ...addresses])];
      if (all.length > most) return false;
      if (addresses.length > 0) subscriptionItems.set(key(address, connectionId), { ...item, [kind]: all });
      return true;
    },
    async removeSubscriptions(address, connectionId, { kind, addresses }) {
      const item = subscriptionItems.get(key(address, connectionId));
      if (!item) return;
      const rest = (item[kind] as readonly Address[]).filter((each) => !addresses.includes(each));
      subscriptionItems.set(key(address, connectionId), { ...item, [kind]: rest });
    },
    async subscriptions(address, connectionId) {
      const { rooms, watches } = subscriptionItems.get(key(address, connectionId)) ?? NO_SUBSCRIPTIONS;
      return { rooms, watches };
    },
    async keepCapability(address, connectionId, { capability, attempt }) {
      const item = subscriptionItems.get(key(address, connectionId)) ?? NO_SUBSCRIPTIONS;
      const [last] = item.capabilities;
      const isNew = !last || (hashCapability(last) !== hashCapability(capability) && item.attempt <= attempt);
      if (!isNew) return;
      const capabilities = [capability, last ?? capability];
      subscriptionItems.set(key(address, connectionId), { ...item, capabilities, attempt });
    },
    async capability(address, connectionId, hash) {
      const { capabilities } = subscriptionItems.get(key(address, connectionId)) ?? NO_SUBSCRIPTIONS;
      return capabilities.find((each) => hashCapability(each) === hash);
    },
    async forget({ address, connectionId, userId }, mayBeAlive = false) {
      const user = userAddress(userId);
      const { rooms, watches } = subscriptionItems.get(key(user, connectionId)) ?? NO_SUBSCRIPTIONS;
      subscriptionItems.delete(key(user, connectionId));
      const others = [address, ...rooms, ...watches.map(presenceAddress)].filter((topic) => topic !== user);
      for (const topic of others) items.delete(key(topic, connectionId));
      const ofUser = items.get(key(user, connectionId));
      if (!ofUser || !mayBeAlive || (!ofUser.removed && ofUser.attempt === 0)) items.delete(key(user, connectionId));
      else if (!ofUser.removed) {
        items.set(key(user, connectionId), { ...ofUser, expiresAt: toSeconds(now()) });
      }
      return { rooms, watches };
    },
    async withdraw(address, connectionId, attempt) {
      const item = items.get(key(address, connectionId));
      if (item && item.attempt > attempt) return 'superseded';
      items.delete(key(address, connectionId));
      return 'withdrawn';
    },
    async unsubscribe(connectionId, topics) {
      for (const topic of topics) items.delete(key(topic, connectionId));
    },
    async renew(connectionId, topics, tokenExpiresAt) {
      return topics.filter((topic) => {
        const item = items.get(key(topic, connectionId));
        if (!item || item.removed || item.tokenExpiresAt <= toSeconds(now()) + EXPIRY_MARGIN_SECONDS) return false;
        items.set(key(topic, connectionId), { ...item, tokenExpiresAt });
        return true;
      });
    },
    async remove(address, connectionId) {
      const nothing = {
        ...IDLE,
        userId: '',
        attempt: 0,
        callbackUrl: '',
        registeredAt: 0,
        tokenExpiresAt: 0,
        expiresAt: 0,
        capability: {},
      };
      const item = items.get(key(address, connectionId));
      items.set(key(address, connectionId), { ...nothing, ...item, address, connectionId, removed: true });
    },
    eraseUser(userId) {
      const user = userAddress(userId);
      const isOfUser = (at: string) => JSON.parse(at)[0] === user;
      const subscribed = [...subscriptionItems].filter(([at]) => isOfUser(at));
      const members = subscribed.flatMap(([at, subscriptions]) =>
        topicsOf(subscriptions).filter((topic) => items.delete(key(topic, JSON.parse(at)[1]))),
      );
      return members.length + deleteWhere(subscriptionItems, isOfUser) + deleteWhere(items, isOfUser);
    },
  };
}

function toMapping(item: Item): Mapping {
  const { address, connectionId, userId, callbackUrl } = item;
  return { address, connectionId, userId, callbackUrl, expiresAt: endsAt(item) };
}

function charged(
  item: Pace,
  charge: Charge,
  nowMs: number,
): (Partial<Pace> & Pick<Pace, 'charged'>) | (TouchRefusal & { readonly refused: 'rate_limited' }) {
  const { incrementMs, latestMs } = arrival(charge, nowMs);
  const inAll = item.charged + charge.cost;
  if (item.arrivesAt <= nowMs) return { arrivesAt: nowMs + incrementMs, charged: inAll };
  if (item.arrivesAt > latestMs) {
    return { refused: 'rate_limited', retryAfterMs: item.arrivesAt - latestMs };
  }
  return { arrivesAt: item.arrivesAt + incrementMs, charged: inAll };
}
