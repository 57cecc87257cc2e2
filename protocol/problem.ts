import { ERROR_CODES, type ErrorCode } from './codes.ts';
import type { DurationMs } from './scalars.ts';

/** A problem, as one side reports it to the other. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  /** How long to wait before a retry, in milliseconds. */
  readonly retryAfterMs?: DurationMs;
}

/** A value, or the problem with it. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** Makes a problem with the table's sentence, or with a more exact one. */
export function problem(code: ErrorCode, message: string = ERROR_CODES[code].message): Problem {
  return { code, message, retryable: ERROR_CODES[code].retryable };
}
