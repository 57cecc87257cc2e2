import { parseExactly } from './numbers.ts';
import { problem, type Result } from './problem.ts';

/** `JSON.parse` whose failure is a value. A number that a double cannot carry becomes `Infinity`. */
export function parseJson(text: string): Result<unknown> {
  try {
    return { ok: true, value: parseExactly(text) };
  } catch {
    return { ok: false, problem: problem('invalid_json') };
  }
}
