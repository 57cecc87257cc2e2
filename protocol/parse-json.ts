import { parseExactly } from './numbers.ts';
import { problem, type Result } from './problem.ts';

/** Parses JSON, and returns a failure as a value. A number that a double cannot represent becomes `Infinity`. */
export function parseJson(text: string): Result<unknown> {
  try {
    return { ok: true, value: parseExactly(text) };
  } catch {
    return { ok: false, problem: problem('invalid_json') };
  }
}
