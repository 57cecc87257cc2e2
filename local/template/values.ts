import { ValueError } from './expression.ts';
import type { Place } from './problems.ts';

/** Whether `value` is an array of exactly `length` items. */
export function arrayOf(value: unknown, length: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length === length;
}

/** Returns text, or a number or boolean in CloudFormation's text form. */
export function asText(value: unknown, place: Place): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new ValueError(place, `expected text, got ${JSON.stringify(value) ?? 'nothing'}`);
}

export function asList(value: unknown, place: Place): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ValueError(place, `expected a list, got ${JSON.stringify(value) ?? 'nothing'}`);
}

export function asBoolean(value: unknown, place: Place): boolean {
  if (typeof value === 'boolean') return value;
  throw new ValueError(place, `expected a condition, got ${JSON.stringify(value) ?? 'nothing'}`);
}

/** Returns a whole number. CloudFormation accepts it as text, too. */
export function asInteger(value: unknown, place: Place): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number)) return number;
  throw new ValueError(place, `expected a whole number, got ${JSON.stringify(value) ?? 'nothing'}`);
}
