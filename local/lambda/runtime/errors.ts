import { types } from 'node:util';
import type { FunctionError } from './messages.ts';

/** Makes an error of the runtime itself, with a type such as `Runtime.HandlerNotFound`. */
export function runtimeError(type: string, message: string, stack?: string): Error {
  const error = new Error(message);
  error.name = `Runtime.${type}`;
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Returns a thrown value in the form of AWS's Node.js runtime. */
export function toFunctionError(thrown: unknown): FunctionError {
  if (!isErrorLike(thrown)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') };
}

function isErrorLike(thrown: unknown): thrown is Error {
  if (types.isNativeError(thrown)) return true;
  if (typeof thrown !== 'object' || thrown === null) return false;
  return ['name', 'message', 'stack'].every((key) => typeof (thrown as Record<string, unknown>)[key] === 'string');
}
