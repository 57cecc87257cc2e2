/** Connections that a handler posts to itself. To more of them `tasks` posts, in parts. */
export const MAX_DIRECT_CONNECTIONS = 200;

/** Connection ids from the first to the last, both included. */
export interface ConnectionIdRange {
  readonly first: string;
  readonly last: string;
}

/** The characters of connection ids (base64url), in DynamoDB's order. Ids are random, so ranges are of even size. */
const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

/** The number of parts of a large delivery. */
const PARTS = 16;

/**
 * Ranges that together contain every connection id once. Two ranges meet at one character, and every id is longer than
 * that.
 */
export function connectionIdRanges(): readonly ConnectionIdRange[] {
  const step = ALPHABET.length / PARTS;
  return Array.from({ length: PARTS }, (_, part) => ({
    first: ALPHABET[Math.floor(part * step)] ?? '-',
    last: ALPHABET[Math.floor((part + 1) * step)] ?? '~',
  }));
}
