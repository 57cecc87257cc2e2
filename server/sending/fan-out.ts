/** Connections that a handler posts to itself. To more of them `tasks` posts, in parts. */
export const MAX_DIRECT_CONNECTIONS = 200;

/** What is not posted to the connection that sends. */
export interface Spared {
  readonly connectionId: string;
  readonly serials: readonly string[];
}

/** Connection ids from the first to the last, both included. */
export interface ConnectionIdRange {
  readonly first: string;
  readonly last: string;
}

/** The characters of connection ids (base64url), in the order in which DynamoDB sorts them. Ids are random: ranges are even. */
const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

/** Into how many parts a large delivery is divided. */
const PARTS = 16;

/** Ranges that together hold every connection id once: an id is longer than the one character at which they meet. */
export function connectionIdRanges(): readonly ConnectionIdRange[] {
  const step = ALPHABET.length / PARTS;
  return Array.from({ length: PARTS }, (_, part) => ({
    first: ALPHABET[Math.floor(part * step)] ?? '-',
    last: ALPHABET[Math.floor((part + 1) * step)] ?? '~',
  }));
}
