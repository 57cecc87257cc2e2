import { expect, test, vi } from 'vitest';
import {
  BeckonError,
  type BeckonErrorCode,
  ERROR_CODES,
  LASTING_CLIENT_CODES,
  PASSING_CLIENT_CODES,
  toError,
  WORDLESS_CODES,
} from '../../../protocol/index.ts';

test('an error of another copy of the class is one, too, and nothing else is', async () => {
  vi.resetModules();
  const other = await import('../../../protocol/beckon-error.ts');
  expect(other.BeckonError).not.toBe(BeckonError);
  expect(new other.BeckonError('closed') instanceof BeckonError).toBe(true);
  expect(new BeckonError('closed') instanceof other.BeckonError).toBe(true);
  for (const value of [new Error('x'), Object.create(null), {}, null, undefined, 'BeckonError'])
    expect((value as unknown) instanceof BeckonError).toBe(false);
});

test('a class that extends it has instances of its own alone', () => {
  class Mine extends BeckonError {}
  expect(new Mine('closed') instanceof Mine).toBe(true);
  expect(new Mine('closed') instanceof BeckonError).toBe(true);
  expect(new BeckonError('closed') instanceof Mine).toBe(false);
});

test('what a server says is told whole', () => {
  const problem = { code: 'rate_limited', message: 'Slower.', retryable: true, retryAfterMs: 250 } as const;
  expect(toError(problem)).toMatchObject({ ...problem, name: 'BeckonError', maybeDelivered: false });
  expect(toError({ ...problem, code: 'forbidden', retryable: false })).toMatchObject({ retryable: false });
});

test('an error that is made of a code alone has its sentence, and says whether trying again can help', () => {
  const made = (code: BeckonErrorCode) => new BeckonError(code);
  for (const [code, message] of Object.entries(PASSING_CLIENT_CODES))
    expect(made(code as BeckonErrorCode)).toMatchObject({ code, message, retryable: true });
  for (const [code, message] of Object.entries(LASTING_CLIENT_CODES))
    expect(made(code as BeckonErrorCode)).toMatchObject({ code, message, retryable: false });
  for (const [code, { retryable }] of Object.entries(WORDLESS_CODES))
    expect(made(code as BeckonErrorCode)).toMatchObject({ code, message: code, retryable });
});

test('no code of the client is one of the server', () => {
  for (const code of Object.keys({ ...PASSING_CLIENT_CODES, ...LASTING_CLIENT_CODES }))
    expect(ERROR_CODES).not.toHaveProperty(code);
});

test('it becomes JSON with its message, and without its cause', () => {
  const cause = Object.assign(new Error('secret'), { token: 'secret' });
  const error = new BeckonError('internal', 'failed', { cause, retryAfterMs: 5 });
  expect(error.cause).toBe(cause);
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: 'BeckonError',
    code: 'internal',
    message: 'failed',
    retryable: true,
    retryAfterMs: 5,
    maybeDelivered: false,
  });
});
