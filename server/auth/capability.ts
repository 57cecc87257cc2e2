import { createHash } from 'node:crypto';
import { isObject, jsonByteLength, type Problem, parseJson, problem } from '../../protocol/index.ts';
import { type Correspondent, resourceOf } from '../address.ts';

/**
 * The operations that a capability can allow at a resource. `join` includes reading the room's log from any cursor;
 * `history` includes search, unread counts and markers.
 */
export const OPERATIONS = ['join', 'send', 'history', 'presence'] as const;
export type Operation = (typeof OPERATIONS)[number];

/**
 * What a token allows: operations at resources, such as `{"room:team-*": ["join", "send", "history"], "user:*":
 * ["send"]}`. A resource is `user:`, `room:` or `service:` and a name; a `*` in the name stands for any number of characters.
 * Everything else is forbidden.
 */
export type Capability = Readonly<Record<string, readonly Operation[]>>;

/** Without a grant, users read only their own messages, of users and services, and nothing in rooms. */
export const DEFAULT_CAPABILITY: Capability = { 'user:*': ['send', 'history', 'presence'], 'service:*': ['history'] };

/** The longest capability, in bytes of its JSON in UTF-8: API Gateway limits the whole authorizer context to 8 KB. */
export const MAX_CAPABILITY_BYTES = 4096;

const RESOURCE = /^(user|room|service):.+$/su;

/** The value as a capability, or `undefined` if it is not one. */
export function parseCapability(value: unknown): Capability | undefined {
  const isValid =
    isObject(value) &&
    Object.entries(value).every(([resource, operations]) => RESOURCE.test(resource) && isOperations(operations));
  return isValid ? (value as Capability) : undefined;
}

/**
 * The capability of a claim: an object, or JSON as text, because some issuers can put only text into a claim.
 * `undefined` if the claim has no valid capability, or one that is too long: then the token is refused.
 */
export function capabilityOfClaim(claim: unknown): Capability | undefined {
  const json = typeof claim === 'string' ? parseJson(claim) : { ok: true, value: claim };
  const capability = json.ok ? parseCapability(json.value) : undefined;
  return capability && jsonByteLength(capability) <= MAX_CAPABILITY_BYTES ? capability : undefined;
}

/** Enough bytes that nobody finds two capabilities with the same hash. */
const HASH_BYTES = 16;

/** A short text that identifies a capability. */
export function hashCapability(capability: Capability): string {
  return createHash('sha256').update(JSON.stringify(capability)).digest().subarray(0, HASH_BYTES).toString('base64url');
}

/** Whether the capability allows an operation at an address. */
export function allows(capability: Capability, operation: Operation, address: Correspondent): boolean {
  const resource = resourceOf(address);
  return Object.entries(capability).some(
    ([pattern, operations]) => operations.includes(operation) && matches(pattern, resource),
  );
}

/** The problem to tell when a capability does not allow an operation. */
export function forbidden(operation: Operation, address: Correspondent): Problem {
  return problem('forbidden', `the token's capability does not allow "${operation}" at "${resourceOf(address)}"`);
}

function isOperations(value: unknown): value is readonly Operation[] {
  return Array.isArray(value) && value.every((operation) => (OPERATIONS as readonly unknown[]).includes(operation));
}

/** Compares piece by piece. With a regular expression, a hostile pattern could take very long. */
function matches(pattern: string, resource: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return pattern === resource;
  if (!resource.startsWith(first)) return false;
  let position = first.length;
  for (const piece of others) {
    const found = resource.indexOf(piece, position);
    if (found < 0) return false;
    position = found + piece.length;
  }
  return resource.length - last.length >= position && resource.endsWith(last);
}
