import { type Address, presenceAddress, userAddress } from '../../server/address.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import {
  DEFAULT_SUBSCRIPTION_LIMITS,
  type Directory,
  type Mapping,
  type Registration,
  type SubscriptionChange,
  type SubscriptionLimits,
  type Subscriptions,
  TOO_MANY,
  type TouchRefusal,
} from '../../server/directory.ts';
import { EXPIRY_MARGIN_SECONDS } from '../../server/expiry.ts';
import { arrival, type Charge } from '../../server/rate-limit.ts';

interface Pace {
  /** Of the rate limit, epoch milliseconds. */
  readonly arrivesAt: number;
  readonly refusals: number;
  readonly charged: number;
}

interface Item extends Registration, Subscriptions, Pace {
  readonly removed: boolean;
}

const NO_SUBSCRIPTIONS: Subscriptions = { rooms: [], watches: [] };
const IDLE: Pace = { arrivesAt: 0, refusals: 0, charged: 0 };

const endsAt = ({ expiresAt, tokenExpiresAt }: Registration) => Math.min(expiresAt, tokenExpiresAt);

/** A directory in memory, held to the same contract as the one on DynamoDB. `items` are what a table would hold. */
export function createMemoryDirectory(now: Now): Directory & { readonly items: Map<string, Item> } {
  const items = new Map<string, Item>();
  const key = (address: string, connectionId: string) => JSON.stringify([address, connectionId]);
  const live = (address: string) =>
    [...items.values()]
      .filter((item) => item.address === address && !item.removed && endsAt(item) > toSeconds(now()))
      .sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
  return {
    items,
    async put(registration) {
      const existing = items.get(key(registration.address, registration.connectionId));
      if (existing?.removed) return 'removed';
      if (existing && existing.attempt > registration.attempt) return 'superseded';
      items.set(key(registration.address, registration.connectionId), {
        ...IDLE,
        ...NO_SUBSCRIPTIONS,
        ...existing,
        ...registration,
        removed: false,
      });
      return 'registered';
    },
    async find(address, { limit, range, inRoom }) {
      return live(address)
        .filter(({ connectionId }) => !range || (connectionId >= range.first && connectionId <= range.last))
        .filter(({ rooms }) => !inRoom || rooms.includes(inRoom))
        .map(toMapping)
        .slice(0, limit);
    },
    async members(room) {
      return live(room).flatMap((item) => {
        const ofUser = live(userAddress(item.userId)).find(({ connectionId }) => connectionId === item.connectionId);
        return ofUser?.rooms.includes(room) ? [{ ...toMapping(item), expiresAt: endsAt(ofUser) }] : [];
      });
    },
    async touch(address, connectionId, { expiresAt, change, most = DEFAULT_SUBSCRIPTION_LIMITS, charge }) {
      const item = items.get(key(address, connectionId));
      const soonSeconds = toSeconds(now()) + EXPIRY_MARGIN_SECONDS;
      if (item && !item.removed && item.tokenExpiresAt <= soonSeconds)
        return { refused: 'token_expired', callbackUrl: item.callbackUrl };
      if (!item || item.removed || item.expiresAt <= soonSeconds) return { refused: 'not_registered' };
      const pace = charge ? charged(item, charge, now()) : { charged: item.charged };
      if ('refused' in pace) return pace;
      const subscriptions = change ? changed(item, change, most) : {};
      if ('refused' in subscriptions) return subscriptions;
      items.set(key(address, connectionId), { ...item, ...subscriptions, ...pace, expiresAt });
      const { tokenExpiresAt, capability } = item;
      return { tokenExpiresAt, capability, charged: pace.charged };
    },
    async holdBack(address, connectionId, { cost, arrivesAt }) {
      const item = items.get(key(address, connectionId));
      if (item) items.set(key(address, connectionId), { ...item, charged: item.charged - cost, arrivesAt });
    },
    async countRefusal(address, connectionId) {
      const item = items.get(key(address, connectionId));
      if (!item) return 0;
      items.set(key(address, connectionId), { ...item, refusals: item.refusals + 1 });
      return item.refusals + 1;
    },
    async forget({ address, connectionId, userId }) {
      const { rooms, watches } = items.get(key(userAddress(userId), connectionId)) ?? NO_SUBSCRIPTIONS;
      for (const topic of [userAddress(userId), address, ...rooms, ...watches.map(presenceAddress)]) {
        items.delete(key(topic, connectionId));
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
    async subscriptions(address, connectionId) {
      const { rooms, watches } = items.get(key(address, connectionId)) ?? NO_SUBSCRIPTIONS;
      return { rooms, watches };
    },
    async renew(connectionId, topics, { tokenExpiresAt, capability }) {
      return topics.filter((topic) => {
        const item = items.get(key(topic, connectionId));
        if (!item || item.removed || item.tokenExpiresAt <= toSeconds(now()) + EXPIRY_MARGIN_SECONDS) return false;
        items.set(key(topic, connectionId), { ...item, tokenExpiresAt, capability });
        return true;
      });
    },
    async remove(address, connectionId) {
      const item = items.get(key(address, connectionId));
      const nothing = {
        ...IDLE,
        ...NO_SUBSCRIPTIONS,
        userId: '',
        attempt: 0,
        callbackUrl: '',
        registeredAt: 0,
        tokenExpiresAt: 0,
        expiresAt: 0,
        capability: {},
      };
      items.set(key(address, connectionId), { ...nothing, ...item, address, connectionId, removed: true });
      return item ?? NO_SUBSCRIPTIONS;
    },
  };
}

function toMapping(item: Item): Mapping {
  const { address, connectionId, userId, callbackUrl } = item;
  return { address, connectionId, userId, callbackUrl, expiresAt: endsAt(item) };
}

function charged(
  item: Pace & Pick<Mapping, 'callbackUrl'>,
  charge: Charge,
  nowMs: number,
): (Partial<Pace> & Pick<Pace, 'charged'>) | TouchRefusal {
  const { incrementMs, latestMs } = arrival(charge, nowMs);
  const inAll = item.charged + charge.cost;
  if (item.arrivesAt <= nowMs) return { arrivesAt: nowMs + incrementMs, refusals: 0, charged: inAll };
  if (item.arrivesAt > latestMs) {
    return { refused: 'rate_limited', retryAfterMs: item.arrivesAt - latestMs, callbackUrl: item.callbackUrl };
  }
  return { arrivesAt: item.arrivesAt + incrementMs, charged: inAll };
}

function changed(
  subscriptions: Subscriptions,
  { change, kind, addresses }: SubscriptionChange,
  most: SubscriptionLimits,
): Partial<Subscriptions> | TouchRefusal {
  const existing: readonly Address[] = subscriptions[kind];
  if (change === 'remove') return { [kind]: existing.filter((address) => !addresses.includes(address)) };
  const all = [...new Set([...existing, ...addresses])];
  return all.length > most[kind] ? { refused: TOO_MANY[kind] } : { [kind]: all };
}
