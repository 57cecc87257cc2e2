import { ERROR_CODES, type ErrorCode } from './codes.ts';

/** What is wrong with something, as it is told to the other side. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  /** How long to wait before that, milliseconds. */
  readonly retryAfterMs?: number;
}

/** A value, or what is wrong with it. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** A problem with the table's sentence, or with a more exact one. */
export function problem(code: ErrorCode, message: string = ERROR_CODES[code].message): Problem {
  return { code, message, retryable: ERROR_CODES[code].retryable };
}
