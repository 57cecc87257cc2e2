/** Connections that a handler posts to itself. `deliver` posts to more of them, in parts. */
export const MAX_DIRECT_CONNECTIONS = 200;

/** The connections of one part of a delivery. `deliver` divides a range that holds more. */
export const MAX_PART_CONNECTIONS = 500;

/** The parts that one function makes of a range. Each carries the message, so more would take long to queue. */
const MAX_PARTS = 16;

/** The share of {@link MAX_PART_CONNECTIONS} that a part is meant to have: the sizes of parts are estimates. */
const PART_FILL = 0.8;

/** Connection ids from the first to the last, both included. */
export interface ConnectionIdRange {
  readonly first: string;
  readonly last: string;
}

/** Contains every connection id. */
export const ALL_CONNECTION_IDS: ConnectionIdRange = { first: ' ', last: '~' };

/** The characters of connection ids (base64url), in DynamoDB's order. */
const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

/** The leading characters of an id that count for its position. Each id is longer. */
const POSITION_CHARACTERS = 6;

/**
 * Divides a range into parts of about the same number of connections. Together, the parts contain each id of the range
 * once. Ids are random. So the part of the range that the first ids take tells how many ids there are, and nobody has to
 * read them all.
 * @param firstIds the first ids in the range, in their order: at least one. They become a part of their own, so that
 *   dividing ends even if ids are not random.
 */
export function divide(range: ConnectionIdRange, firstIds: readonly string[]): readonly ConnectionIdRange[] {
  const lastId = firstIds.at(-1) ?? range.first;
  const from = position(lastId);
  const ids = position(range.last) - from;
  const idsPerConnection = (from - position(range.first)) / firstIds.length;
  const wanted = Math.ceil(ids / idsPerConnection / (MAX_PART_CONNECTIONS * PART_FILL));
  // With fewer ids than that, two borders would be one.
  const parts = ids > 2 * MAX_PARTS ? Math.max(1, Math.min(wanted, MAX_PARTS - 1)) : 1;
  const borders = Array.from({ length: parts - 1 }, (_, at) => idPrefix(from + ((at + 1) * ids) / parts));
  // The border between two parts is shorter than every id, so no id is in both.
  return [
    { first: range.first, last: lastId },
    ...[`${lastId} `, ...borders].map((first, at) => ({ first, last: borders[at] ?? range.last })),
  ];
}

/** Where an id is among all ids: a whole number, in DynamoDB's order. */
function position(id: string): number {
  let sum = 0;
  for (let at = 0; at < POSITION_CHARACTERS; at += 1) sum = sum * ALPHABET.length + rank(id[at] ?? ' ');
  return sum;
}

/** The number of characters of the alphabet below a character. */
function rank(character: string): number {
  const at = ALPHABET.indexOf(character);
  return at >= 0 ? at : [...ALPHABET].filter((each) => each < character).length;
}

/** The first characters of the ids at a position. */
function idPrefix(atPosition: number): string {
  let rest = Math.floor(atPosition);
  let prefix = '';
  for (let count = 0; count < POSITION_CHARACTERS; count += 1) {
    prefix = (ALPHABET[rest % ALPHABET.length] ?? '-') + prefix;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return prefix;
}
