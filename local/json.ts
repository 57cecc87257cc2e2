import { readFileSync } from 'node:fs';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns an object's own member under a name from outside: never one that all objects inherit, such as `constructor`. */
export function ownField(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Copies a JSON value, and replaces every text except keys. */
export function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, replace)]));
}

/** Reads a JSON file. @throws Error naming the file if it is missing or malformed */
export function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const hint = /\.ya?ml$/.test(file) ? ' Templates must be JSON: convert YAML first.' : '';
    throw new Error(`${file} is not valid JSON: ${cause instanceof Error ? cause.message : cause}.${hint}`, { cause });
  }
}
