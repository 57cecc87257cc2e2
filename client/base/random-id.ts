import type { Environment } from '../environment.ts';

/**
 * Makes an id. A UUID: of version 4, random. Where there is no `crypto`, of version 7, which begins with the time (RFC 9562 section 5.7):
 * the randomness of React Native has 31 bits, too few to tell all the messages of a user apart.
 *
 * `crypto.randomUUID` exists on pages served over https only.
 * @param environment May make ids of its own.
 */
export function randomId(environment: Pick<Environment, 'randomId'> = {}): string {
  if (environment.randomId) return environment.randomId();
  const { crypto } = globalThis as { readonly crypto?: { getRandomValues?(bytes: Uint8Array): Uint8Array } };
  const bytes = new Uint8Array(16).map(() => Math.random() * 256);
  const hasCrypto = crypto?.getRandomValues?.(bytes) !== undefined;
  const now = Date.now();
  if (!hasCrypto) bytes.set([40, 32, 24, 16, 8, 0].map((bits) => Math.floor(now / 2 ** bits)));
  const hex = Array.from(bytes, (byte, index) => (index === 8 ? (byte % 64) + 384 : byte + 256).toString(16).slice(1));
  return hex.join('').replace(/(.{8})(....).(...)(....)/, `$1-$2-${hasCrypto ? 4 : 7}$3-$4-`);
}
