/** Policy variables that stand for a character: `${*}` is an asterisk, not a wildcard. */
const ESCAPES = new Set(['*', '?', '$']);
const VARIABLE = /\$\{([^}]*)\}/g;

/** A pattern of IAM: `*` is any text, `?` any one character, `${key}` the value of a condition key of the request. */
export interface Wildcard {
  readonly source: string;
  /** The condition keys whose values it needs. */
  readonly keys: readonly string[];
  /** False when a key that it needs has no single value in this request. */
  matches(text: string, lookUp: (key: string) => string | undefined): boolean;
}

export function wildcard(source: string, options: { readonly ignoreCase?: boolean } = {}): Wildcard {
  const flags = options.ignoreCase ? 'is' : 's';
  const keys = [...source.matchAll(VARIABLE)]
    .map((match) => (match[1] ?? '').trim())
    .filter((key) => !ESCAPES.has(key));
  if (keys.length > 0) {
    return {
      source,
      keys,
      matches(text, lookUp) {
        const values = new Map(keys.map((key) => [key, lookUp(key)]));
        if ([...values.values()].includes(undefined)) return false;
        return new RegExp(
          expression(source, (key) => values.get(key) ?? ''),
          flags,
        ).test(text);
      },
    };
  }
  const compiled = new RegExp(
    expression(source, () => ''),
    flags,
  );
  return { source, keys, matches: (text) => compiled.test(text) };
}

function expression(source: string, lookUp: (key: string) => string): string {
  let pattern = '';
  let end = 0;
  for (const match of source.matchAll(VARIABLE)) {
    const key = (match[1] ?? '').trim();
    pattern += wild(source.slice(end, match.index)) + literal(ESCAPES.has(key) ? key : lookUp(key));
    end = match.index + match[0].length;
  }
  return `^${pattern}${wild(source.slice(end))}$`;
}

function wild(text: string): string {
  return literal(text).replaceAll('\\*', '.*').replaceAll('\\?', '.');
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
