import { utf8Length } from './utf8.ts';

/** Whether arrays and objects in the value are nested at most `maxDepth` deep. */
export function isWithinDepth(value: unknown, maxDepth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return maxDepth > 0 && Object.values(value).every((inner) => isWithinDepth(inner, maxDepth - 1));
}

/** Whether the value is a JSON object: neither `null` nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The size of a value as JSON, in bytes of UTF-8. */
export function jsonByteLength(value: unknown): number {
  const text = JSON.stringify(value);
  // Jest's jsdom has none.
  return globalThis.TextEncoder ? new TextEncoder().encode(text).length : utf8Length(text);
}
