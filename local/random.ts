/** Returns a number from 0 (included) to 1 (excluded). */
export type Random = () => number;

/**
 * A reproducible source of numbers. The streams of one seed are independent: reading from one never shifts another.
 */
export function createRandom(seed: number, stream: string): Random {
  return mulberry32(fnv1a(`${seed}/${stream}`));
}

/** https://datatracker.ietf.org/doc/html/draft-eastlake-fnv, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

/** Tommy Ettinger's generator: small, fast, good enough for choosing faults. Not for secrets. */
function mulberry32(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
