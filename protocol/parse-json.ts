import { problem, type Result } from './problem.ts';

/** `JSON.parse` whose failure is a value. */
export function parseJson(text: string): Result<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, problem: problem('invalid_json') };
  }
}
