import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { toSeconds } from '../clock.ts';
import { EXPIRY_MARGIN_SECONDS, type Subscriptions } from '../connections/directory.ts';
import type { PresenceState } from '../presence/presence-state.ts';
import type { Load } from '../sending/inboxes.ts';
import { number } from './attributes.ts';

/**
 * What must be true of an item for a write, and the values of the expression. Each condition has a name, and a timeline
 * where two handlers can meet. The names of its values begin with its own name, so that any two conditions can be
 * joined.
 */
export interface Condition {
  readonly expression: string;
  readonly values?: Record<string, AttributeValue>;
}

/** All of the conditions hold. */
export function all(...conditions: readonly Condition[]): Condition {
  return {
    expression: conditions.map(({ expression }) => `(${expression})`).join(' AND '),
    values: Object.assign({}, ...conditions.map(({ values }) => values)),
  };
}

/** The item exists. Without this condition, the write would create it. */
export const EXISTS: Condition = { expression: 'attribute_exists(address)' };

/** The first attempt made the mapping, so no late attempt can revive it; and the mapping is not a tombstone. */
export const IS_OF_FIRST_ATTEMPT: Condition = {
  expression: 'attribute_not_exists(removedAt) AND (attribute_not_exists(attempt) OR attempt = :firstAttempt)',
  values: { ':firstAttempt': number(0) },
};

/** The item exists and is not a tombstone. A tombstone stays as long as its connection can live. */
export const IS_NOT_REMOVED: Condition = {
  expression: 'attribute_exists(address) AND attribute_not_exists(removedAt)',
};

/** The item has not expired. */
export function expiresAfter(nowMs: number): Condition {
  return { expression: 'expiresAt > :expiresAfter', values: { ':expiresAfter': number(toSeconds(nowMs)) } };
}

/** The item has expired or does not exist: DynamoDB may take days to delete it. */
export function hasExpired(nowMs: number): Condition {
  return {
    expression: 'attribute_not_exists(expiresAt) OR expiresAt <= :expiredAt',
    values: { ':expiredAt': number(toSeconds(nowMs)) },
  };
}

/** The connection has been charged, so that a part can be taken back. */
export const HAS_BEEN_CHARGED: Condition = { expression: 'attribute_exists(charged)' };

/**
 * The mapping is live, and stays so for long enough that no sender's clock sees it as expired before this write lands.
 *
 *     sender            table                    gate of the connection
 *       |  now = 100      | expiresAt = 100         |
 *       |---- find ------>|                         |
 *       |<--- nobody -----|                         |
 *       |                 |<--- touch, now = 99 ----|   without the margin: expiresAt = 760, and the connection goes
 *       |                 |---- refused ----------->|   on without the message that the sender has only stored
 */
export function isLive(nowMs: number): Condition {
  return {
    expression: 'expiresAt > :liveSoon AND tokenExpiresAt > :liveSoon AND attribute_not_exists(removedAt)',
    values: { ':liveSoon': number(toSeconds(nowMs) + EXPIRY_MARGIN_SECONDS) },
  };
}

/** The mapping's token is valid for a while, and the mapping is not a tombstone. See {@link isLive}. */
export function hasGoodToken(nowMs: number): Condition {
  return {
    expression: 'tokenExpiresAt > :tokenSoon AND attribute_not_exists(removedAt)',
    values: { ':tokenSoon': number(toSeconds(nowMs) + EXPIRY_MARGIN_SECONDS) },
  };
}

/**
 * No later attempt has made the mapping, and it was not removed because the connection has missed a message. The same attempt
 * may come twice: the SDK repeats a write whose answer got lost.
 *
 *     register, attempt 1    table              register, attempt 2       sender
 *       |                      |<---- put ---------|                        |
 *       |                      |                   |                        |  a post fails
 *       |                      |<--- remove (removedAt) --------------------|
 *       |------ put ---------->|  refused, twice over: it would bring the old callback URL and token back, and a
 *       |<-- removed ----------|  connection that has missed a message
 */
export function isNotOvertaken(attempt: number): Condition {
  return {
    expression: 'attribute_not_exists(address) OR (attribute_not_exists(removedAt) AND attempt <= :notOvertaken)',
    values: { ':notOvertaken': number(attempt) },
  };
}

/**
 * The mapping was made by this attempt or by an earlier one, or is a tombstone that never was a mapping.
 *
 *     leave, attempt 1 (late)   table               join, attempt 2
 *       |                         |<---- put ----------|
 *       |------ withdraw -------->|                    |
 *       |<----- superseded -------|  the client is in the room and waits for its messages: the mapping stays
 */
export function isOfAttempt(attempt: number): Condition {
  return {
    expression: 'attribute_not_exists(attempt) OR attempt <= :ofAttempt',
    values: { ':ofAttempt': number(attempt) },
  };
}

/**
 * There is space for `count` more subscriptions of a kind, if none of them exists yet. Two joins at once cannot both
 * take the last place: the second finds the set of the first.
 */
export function hasSpace(kind: keyof Subscriptions, count: number, most: number): Condition {
  const fits = `size(${kind}) <= :space`;
  const space = most - count;
  return {
    // A missing set has no size, so the comparison would fail; where there is no space at all, it must fail.
    expression: space < 0 ? fits : `attribute_not_exists(${kind}) OR ${fits}`,
    values: { ':space': number(space) },
  };
}

/**
 * There is space in an inbox for a load, beside what waits there already. Two functions at once cannot both take the
 * last place: the second finds the count of the first.
 */
export function hasSpaceBeside(load: Load, most: Load): Condition {
  return {
    expression: 'attribute_not_exists(address) OR (waiting <= :mostMessages AND waitingBytes <= :mostBytes)',
    values: {
      ':mostMessages': number(most.messages - load.messages),
      ':mostBytes': number(most.bytes - load.bytes),
    },
  };
}

/**
 * The capability is not there yet, and no later attempt has left one.
 *
 *     register, attempt 1      subscriptions    connection       register, attempt 2
 *       |                         |<--- keep ------|----------------|
 *       |                         |                |<---- put ------|
 *       |------ keep ------------>|  refused: the connection has the hash of the later token's capability, and the gate
 *       |                         |  would find another one here
 *       |------ put ---------------------------->|  refused as well
 */
export function isNewCapability(text: string, attempt: number): Condition {
  return {
    expression:
      'attribute_not_exists(capability) OR (capability <> :newCapability AND capabilityAttempt <= :newCapabilityAttempt)',
    values: { ':newCapability': { S: text }, ':newCapabilityAttempt': number(attempt) },
  };
}

/** The attribute is absent or below `value`: it only moves forward, in whatever order writes arrive. */
export function isBelow(name: string, value: AttributeValue): Condition {
  return { expression: `attribute_not_exists(${name}) OR ${name} < :below`, values: { ':below': value } };
}

/**
 * The attribute is absent or at most `value`: it never moves back, and an equal value overwrites what is noted with it.
 */
export function isNotAbove(name: string, value: AttributeValue): Condition {
  return { expression: `attribute_not_exists(${name}) OR ${name} <= :notAbove`, values: { ':notAbove': value } };
}

/** The attribute is absent or above `value`: it only moves back. */
export function isAbove(name: string, value: AttributeValue): Condition {
  return { expression: `attribute_not_exists(${name}) OR ${name} > :above`, values: { ':above': value } };
}

/**
 * What watchers were last told is still what the handler has read.
 *
 *     check: has come          table                  check: has gone
 *       |-- read: nothing ------>|<--- read: nothing -----|
 *       |-- announce: online --->|                        |
 *       |                        |<--- announce: gone ----|   refused: it looks again who is there, and then decides
 */
export function isStillAnnounced(before: PresenceState | undefined): Condition {
  if (!before) return { expression: 'attribute_not_exists(since)' };
  return { expression: 'since = :announcedSince', values: { ':announcedSince': number(before.sinceMs) } };
}

/** No sweep is due, or the one that was due never ran. */
export function isNotAwaited(nowMs: number): Condition {
  return { expression: 'attribute_not_exists(due) OR due < :awaitedNow', values: { ':awaitedNow': number(nowMs) } };
}

/** This sweep is due, or none is. A second handler that takes the same sweep finds none either, which is fine. */
export function isDue(due: number, nowMs: number): Condition {
  return {
    expression: 'attribute_not_exists(due) OR due = :due OR due < :dueNow',
    values: { ':due': number(due), ':dueNow': number(nowMs) },
  };
}
