import { invocationContext } from './context.ts';
import { runtimeError } from './errors.ts';
import type { Handler } from './load-handler.ts';
import type { InvocationRequest } from './messages.ts';

/** Ends an invocation. The first call counts. */
export interface Settle {
  succeed(result: unknown): void;
  fail(error: unknown): void;
  /** Answers `result` once the event loop is empty. */
  succeedWhenIdle(result: unknown): void;
}

/** Starts the handler once. It answers through `settle`. */
export type StartInvocation = (handler: Handler, request: InvocationRequest, settle: Settle) => void;

/** For `nodejs24.x` and later: awaits the handler's result. */
export const startPromiseInvocation: StartInvocation = (handler, request, settle) => {
  if (handler.length >= 3) {
    const message =
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
      'You need to modify this function to use a supported handler signature to use Node.js 24 or later.';
    return settle.fail(runtimeError('CallbackHandlerDeprecated', message));
  }
  new Promise((resolve) => {
    resolve(handler(JSON.parse(request.payload), invocationContext(request)));
  }).then(settle.succeed, settle.fail);
};

/**
 * For runtimes up to `nodejs22.x`: awaits a promise, the callback, or the older `context.done` family. Ignores other
 * results.
 */
export const startCallbackInvocation: StartInvocation = (handler, request, settle) => {
  let waitsForEmptyEventLoop = true;
  const callback = (error?: unknown, result?: unknown) => {
    if (error !== undefined && error !== null) settle.fail(error);
    else if (waitsForEmptyEventLoop) settle.succeedWhenIdle(result);
    else settle.succeed(result);
  };
  const done = (error?: unknown, result?: unknown) => {
    if (error !== undefined && error !== null) settle.fail(error);
    else settle.succeed(result);
  };
  const context = Object.defineProperty(invocationContext(request), 'callbackWaitsForEmptyEventLoop', {
    enumerable: true,
    get: () => waitsForEmptyEventLoop,
    set: (value: boolean) => {
      waitsForEmptyEventLoop = value;
    },
  });
  Object.assign(context, {
    done,
    succeed: (result: unknown) => done(null, result),
    fail: (error: unknown) => done(error ?? 'handled'),
  });
  try {
    const returned = handler(JSON.parse(request.payload), context, callback);
    if (returned instanceof Promise) returned.then(settle.succeed, settle.fail);
  } catch (thrown) {
    settle.fail(thrown);
  }
};
