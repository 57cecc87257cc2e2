import { createHash } from 'node:crypto';
import { isObject, jsonByteLength, type Problem, parseJson, problem } from '../../protocol/index.ts';
import { type Address, resourceOf } from '../address.ts';

/**
 * What a capability can allow at a resource. `join` includes reading what the room keeps, from any cursor on; `history`
 * includes searching, counting what is unread, and markers.
 */
export const OPERATIONS = ['join', 'send', 'history', 'presence'] as const;
export type Operation = (typeof OPERATIONS)[number];

/**
 * What a token allows: resources, and what may be done with them, such as
 * `{"room:team-*": ["join", "send", "history"], "user:*": ["send"]}`. A resource is `user:` or `room:` and a name; a `*` in
 * the name stands for any characters, also none. What no resource allows is forbidden.
 */
export type Capability = Readonly<Record<string, readonly Operation[]>>;

/** Only one's own messages can be read without a grant, and nothing in rooms. */
export const DEFAULT_CAPABILITY: Capability = { 'user:*': ['send', 'history', 'presence'] };

/** The longest capability, in bytes of its JSON in UTF-8: API Gateway carries 8 KB of authorizer context in all. */
export const MAX_CAPABILITY_BYTES = 4096;

const RESOURCE = /^(user|room):.+$/su;

/** The capability that a value is, or `undefined` if it is none. */
export function parseCapability(value: unknown): Capability | undefined {
  const isValid =
    isObject(value) &&
    Object.entries(value).every(([resource, operations]) => RESOURCE.test(resource) && isOperations(operations));
  return isValid ? (value as Capability) : undefined;
}

/**
 * The capability that a claim holds, as it is or as JSON in a text, which is all that some issuers can put into a claim.
 * `undefined` if it holds none, or one that is too long: then the token is not accepted.
 */
export function capabilityOfClaim(claim: unknown): Capability | undefined {
  const json = typeof claim === 'string' ? parseJson(claim) : { ok: true, value: claim };
  const capability = json.ok ? parseCapability(json.value) : undefined;
  return capability && jsonByteLength(capability) <= MAX_CAPABILITY_BYTES ? capability : undefined;
}

/** Bytes of a hash: nobody finds two capabilities with the same one. */
const HASH_BYTES = 16;

/** A short text that tells a capability from every other. */
export function hashCapability(capability: Capability): string {
  return createHash('sha256').update(JSON.stringify(capability)).digest().subarray(0, HASH_BYTES).toString('base64url');
}

/** Whether the capability allows an operation at an address. */
export function allows(capability: Capability, operation: Operation, address: Address): boolean {
  const resource = resourceOf(address);
  return Object.entries(capability).some(
    ([pattern, operations]) => operations.includes(operation) && matches(pattern, resource),
  );
}

/** What a capability does not allow, as it is told. */
export function forbidden(operation: Operation, address: Address): Problem {
  return problem('forbidden', `the token's capability does not allow "${operation}" at "${resourceOf(address)}"`);
}

function isOperations(value: unknown): value is readonly Operation[] {
  return Array.isArray(value) && value.every((operation) => (OPERATIONS as readonly unknown[]).includes(operation));
}

/** Piece by piece rather than by a regular expression: a hostile pattern must not take long. */
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
