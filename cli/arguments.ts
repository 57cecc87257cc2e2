import { parseArgs } from 'node:util';
import { UsageError } from './usage.ts';

/** The options of one command. Each takes one value, no value (`flag`), or several values. */
type Declared = Readonly<Record<string, 'value' | 'flag' | 'values'>>;

export interface Arguments<Options extends Declared> {
  readonly positionals: readonly string[];
  value(name: keyof Options & string): string | undefined;
  values(name: keyof Options & string): readonly string[];
  flag(name: keyof Options & string): boolean;
}

/** Reads a command's arguments. Throws a {@link UsageError} that names an unknown option. */
export function readArguments<const Options extends Declared>(
  args: readonly string[],
  options: Options,
): Arguments<Options> {
  const declared = Object.entries(options).map(([name, kind]) => [
    name,
    { type: kind === 'flag' ? 'boolean' : 'string', multiple: kind === 'values' } as const,
  ]);
  try {
    const parsed = parseArgs({ args: [...args], options: Object.fromEntries(declared), allowPositionals: true });
    const given: Readonly<Record<string, unknown>> = parsed.values;
    return {
      positionals: parsed.positionals,
      value: (name) => (typeof given[name] === 'string' ? given[name] : undefined),
      values: (name) => (Array.isArray(given[name]) ? given[name].map(String) : []),
      flag: (name) => given[name] === true,
    };
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Reads `NAME=VALUE` arguments. Throws a {@link UsageError} that quotes a malformed one. */
export function readPairs(option: string, pairs: readonly string[]): Record<string, string> {
  const entries = pairs.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new UsageError(`--${option} takes NAME=VALUE, got "${pair}"`);
    return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
  });
  return Object.fromEntries(entries);
}

/** Throws a {@link UsageError} if the command line has positional arguments. */
export function refusePositionals(command: string, positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError(`${command} does not take "${positionals.join(' ')}"`);
}
