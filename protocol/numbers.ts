/** A string of a JSON text, which is let be, or a number in it. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;

/** Whether a JSON text may have a number in it that a double cannot carry. Most frames have none, and are not looked through. */
const MAY_BE_INEXACT = /\d{16}|\d[eE][-+\d]/;

/** JSON for infinity. A number that is not finite can have come from nowhere else. */
const INFINITE = '1e999';

/**
 * `JSON.parse` that changes no number silently: one that a double cannot carry becomes `Infinity`, for
 * {@link everyNumber} to find.
 * @throws SyntaxError when the text is not JSON.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!MAY_BE_INEXACT.test(text)) return value;
  const marked = text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') || isCarried(token) ? token : INFINITE,
  );
  return marked === text ? value : JSON.parse(marked);
}

/** Whether every number in the value passes. The value must not be nested deeply. */
export function everyNumber(value: unknown, passes: (number: number) => boolean): boolean {
  if (typeof value === 'number') return passes(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every((inner) => everyNumber(inner, passes));
}

/**
 * Whether a number arrives as it is written: a whole number digit by digit. A fraction, and what has an exponent, is rounded to
 * a double, as everywhere; but not to infinity, and not to zero.
 * @see https://www.rfc-editor.org/rfc/rfc7493#section-2.2
 */
function isCarried(literal: string): boolean {
  const value = Number(literal);
  if (!Number.isFinite(value)) return false;
  if (value === 0) return !/^[-.0]*[1-9]/.test(literal);
  const whole = /^(-?\d+)(?:\.0+)?$/.exec(literal)?.[1];
  return whole === undefined || String(value) === whole;
}
