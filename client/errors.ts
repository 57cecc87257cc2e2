import { type BeckonErrorCode, describeCode } from '../protocol/beckon-error.ts';
import type { Problem } from '../protocol/index.ts';
import { WORDLESS_CODES } from '../protocol/wordless-codes.ts';

export {
  BeckonError,
  type BeckonErrorCode,
  type BeckonErrorOptions,
  type ClientCode,
  describeCode,
  toError,
} from '../protocol/beckon-error.ts';

/** A code of the server that can arrive without a sentence. */
export type WordlessCode = keyof typeof WORDLESS_CODES;

/** A problem with a code of the server that arrived without its sentence. */
export function wordlessProblem(code: WordlessCode, message = describeCode(code)): Problem {
  return { code, message, retryable: WORDLESS_CODES[code].retryable };
}

/** Whether the code is about the token: the server may accept another one. */
export function isAboutToken(code: BeckonErrorCode): boolean {
  return code === 'unauthorized' || code === 'token_expired' || code === 'revoked';
}
