import { format } from 'node:util';
import type { LogLevel } from './messages.ts';

const METHODS: Readonly<Record<'trace' | 'debug' | 'log' | 'info' | 'warn' | 'error', LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
};

/** Passes the handler's output to `write`, in order, as AWS's runtime does for CloudWatch. */
export function captureOutput(write: (level: LogLevel, message: string) => void): void {
  for (const [method, level] of Object.entries(METHODS)) {
    Object.assign(globalThis.console, { [method]: (...args: unknown[]) => write(level, format(...args)) });
  }
  const { emitWarning } = process;
  const isAboutMachine = (warning: unknown) => String(warning).startsWith('NodeVersionSupportWarning');
  Object.assign(process, {
    // The AWS SDK warns of the machine's version of Node.js, which is not that of the runtime.
    emitWarning: (...args: Parameters<typeof emitWarning>) => isAboutMachine(args[0]) || emitWarning(...args),
  });
  redirect(process.stdout, (text) => write('info', text));
  redirect(process.stderr, (text) => write('error', text));
}

function redirect(stream: NodeJS.WriteStream, write: (text: string) => void): void {
  const replacement = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    write(
      Buffer.from(chunk as Uint8Array)
        .toString()
        .replace(/\n$/, ''),
    );
    const callback = rest.at(-1);
    if (typeof callback === 'function') callback();
    return true;
  };
  Object.assign(stream, { write: replacement });
}
