import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runtimeError } from './errors.ts';

export type Handler = (event: unknown, context: object, callback?: unknown) => unknown;

/**
 * Loads the function that `Handler` names (`folder/file.export`) from the task root, in the order in which AWS's
 * Node.js runtime looks: `.js`, `.mjs`, `.cjs`, then Node's own resolution.
 *
 * Throws errors named `Runtime.MalformedHandlerName`, `Runtime.ImportModuleError`, `Runtime.UserCodeSyntaxError` and
 * `Runtime.HandlerNotFound`. Errors of the module itself pass unchanged.
 */
export async function loadHandler(taskRoot: string, handler: string): Promise<Handler> {
  const { moduleName, exportName } = splitHandler(handler);
  const module = await loadModule(taskRoot, moduleName).catch((cause: unknown) => {
    throw translate(cause);
  });
  const found = member(module, exportName) ?? member(member(module, 'default'), exportName);
  if (found === undefined || found === null) {
    throw runtimeError('HandlerNotFound', `${handler} is undefined or not exported`);
  }
  if (typeof found !== 'function') throw runtimeError('HandlerNotFound', `${handler} is not a function`);
  return found as Handler;
}

function splitHandler(handler: string): { moduleName: string; exportName: string } {
  if (handler.includes('..')) {
    throw runtimeError('MalformedHandlerName', `'${handler}' is not a valid handler name`);
  }
  const base = path.posix.basename(handler);
  const dot = base.indexOf('.');
  if (dot < 0) throw runtimeError('MalformedHandlerName', 'Bad handler');
  const folder = handler.slice(0, handler.length - base.length);
  return { moduleName: folder + base.slice(0, dot), exportName: base.slice(dot + 1) };
}

async function loadModule(taskRoot: string, moduleName: string): Promise<unknown> {
  const require = createRequire(path.join(taskRoot, 'index.js'));
  const file = path.resolve(taskRoot, moduleName);
  if (existsSync(`${file}.js`)) return import(pathToFileURL(`${file}.js`).href);
  if (existsSync(`${file}.mjs`)) return import(pathToFileURL(`${file}.mjs`).href);
  if (existsSync(`${file}.cjs`)) return require(`${file}.cjs`);
  return require(require.resolve(`./${moduleName}`, { paths: [taskRoot] }));
}

function translate(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  if (cause instanceof SyntaxError) return runtimeError('UserCodeSyntaxError', String(cause), cause.stack);
  const code = 'code' in cause ? cause.code : undefined;
  const missing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
  return missing ? runtimeError('ImportModuleError', String(cause)) : cause;
}

function member(holder: unknown, dottedName: string): unknown {
  let value = holder;
  for (const key of dottedName.split('.')) {
    if (value === undefined || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
