/** Policy variables for single characters: `${*}` is an asterisk, no wildcard. */
const ESCAPES = new Set(['*', '?', '$']);
const VARIABLE = /\$\{([^}]*)\}/g;

/** A pattern of IAM: `*` is any text, `?` any one character, `${key}` the value of a condition key of the request. */
export interface Wildcard {
  readonly source: string;
  /** The condition keys in the pattern. */
  readonly keys: readonly string[];
  /** Whether the pattern matches. False if one of its keys has no single value in this request. */
  matches(text: string, lookUp: (key: string) => string | undefined): boolean;
}

export interface WildcardOptions {
  readonly ignoreCase?: boolean;
  /** Treats `*` and `?` as plain characters, so that only variables count. */
  readonly exact?: boolean;
}

export function wildcard(source: string, { ignoreCase = false, exact = false }: WildcardOptions = {}): Wildcard {
  const flags = ignoreCase ? 'is' : 's';
  const pieces = split(source, exact ? literal : wild);
  const keys = pieces.flatMap(({ key }) => key ?? []);
  const compile = (valueOfKey: (key: string) => string) =>
    new RegExp(`^${pieces.map(({ key, pattern }) => pattern ?? literal(valueOfKey(key))).join('')}$`, flags);
  if (keys.length === 0) {
    const compiled = compile(() => '');
    return { source, keys, matches: (text) => compiled.test(text) };
  }
  return {
    source,
    keys,
    matches(text, lookUp) {
      const values = new Map(keys.map((key) => [key, lookUp(key)]));
      if ([...values.values()].includes(undefined)) return false;
      return compile((key) => values.get(key) ?? '').test(text);
    },
  };
}

/** A part of a pattern: a regular expression, or a key for whose value it stands. */
type Piece = { readonly pattern: string; readonly key?: never } | { readonly key: string; readonly pattern?: never };

function split(source: string, toPattern: (text: string) => string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of source.matchAll(VARIABLE)) {
    const key = (match[1] ?? '').trim();
    pieces.push({ pattern: toPattern(source.slice(end, match.index)) });
    pieces.push(ESCAPES.has(key) ? { pattern: literal(key) } : { key });
    end = match.index + match[0].length;
  }
  return [...pieces, { pattern: toPattern(source.slice(end)) }];
}

function wild(text: string): string {
  return literal(text).replaceAll('\\*', '.*').replaceAll('\\?', '.');
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
