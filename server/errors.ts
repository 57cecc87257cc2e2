import type { ErrorCode, Problem } from '../protocol/index.ts';

/** Thrown to other Lambdas when a message cannot be sent; `code` is one of the table in `protocol/codes.ts`. */
export class BeckonError extends Error {
  override readonly name = 'BeckonError';
  readonly code: ErrorCode;
  /** Whether trying again, with the same message id, can succeed. */
  readonly retryable: boolean;

  constructor({ code, message, retryable }: Problem) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}
