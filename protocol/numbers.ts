/** A string in a JSON text, which stays unchanged, or a number. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;

/** Matches a JSON text that may contain a number that a double cannot represent. Most frames do not match, and need no second pass. */
const MAY_BE_INEXACT = /\d{16}|\d[eE][-+\d]/;

/** JSON for infinity. No other JSON number becomes an infinite value. */
const INFINITE = '1e999';

/**
 * Parses JSON without changing a number silently. A number that a double cannot represent becomes `Infinity`, which
 * {@link everyNumber} finds.
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

/** Whether every number in the value passes. Recurses, so the value must not be nested deeply. */
export function everyNumber(value: unknown, passes: (number: number) => boolean): boolean {
  if (typeof value === 'number') return passes(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every((inner) => everyNumber(inner, passes));
}

/**
 * Whether a double can represent a number. A whole number must keep every digit. A fraction or a number with an exponent may be rounded,
 * as in any JSON reader, but not to infinity and not to zero.
 * @see https://www.rfc-editor.org/rfc/rfc7493#section-2.2
 */
function isCarried(literal: string): boolean {
  const value = Number(literal);
  if (!Number.isFinite(value)) return false;
  if (value === 0) return !/^[-.0]*[1-9]/.test(literal);
  const whole = /^(-?\d+)(?:\.0+)?$/.exec(literal)?.[1];
  return whole === undefined || String(value) === whole;
}
