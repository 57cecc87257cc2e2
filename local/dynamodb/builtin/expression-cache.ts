import { createRequire } from 'node:module';

/** A value of `ExpressionAttributeValues`. */
type Value = Readonly<Record<string, unknown>>;

/**
 * The context of dynalite's parsers: the values of placeholders, and the placeholders that no expression has used so far.
 */
interface Context {
  readonly attrNames?: Readonly<Record<string, string>>;
  readonly attrVals?: Readonly<Record<string, Value>>;
  readonly unusedAttrNames: Record<string, boolean>;
  readonly unusedAttrVals: Record<string, boolean>;
}

/** Returns a tree, or an error message. @throws SyntaxError */
type Parse = (expression: string, options: { readonly context: Context }) => unknown;

/** A parsed expression with open places for values. */
interface Draft {
  readonly usedNames: readonly string[];
  readonly usedValues: readonly string[];
  fill(values: Readonly<Record<string, Value>>): unknown;
}

/** The size of the cache for each kind of expression. An application has some dozens. */
const MAX_CACHED_EXPRESSIONS = 1000;

/** Expressions whose parser looks at values, not only at their types. */
const LOOKS_AT_VALUES = /between|attribute_type/i;

/**
 * Makes dynalite parse an expression once, instead of once for each request. An application has few expressions, and parsing
 * one takes longer than running it. Three runs of `bench/local-dynamodb.ts` (the mix of calls of a direct message) with the
 * cache and three without it, in turn on one machine: 0.17 ms of CPU for a call instead of 0.34 in memory, 0.32 instead of
 * 0.47 on disk.
 */
export function cacheExpressions(): void {
  const require = createRequire(import.meta.url);
  for (const kind of ['condition', 'update', 'projection']) {
    const parser: { parse: Parse } = require(`dynalite/db/${kind}Parser.js`);
    parser.parse = cached(parser.parse);
  }
}

/** Adds a cache to a parser. It returns copies of trees, because dynalite changes a tree while it runs it. */
export function cached(parse: Parse): Parse {
  const drafts = new Map<string, Draft>();
  return (expression, { context }) => {
    if (LOOKS_AT_VALUES.test(expression)) return parse(expression, { context });
    const { attrNames = {}, attrVals = {} } = context;
    const key = JSON.stringify([expression, attrNames, typesOf(attrVals)]);
    let draft = drafts.get(key);
    if (!draft) {
      const own = { ...context, unusedAttrNames: flags(attrNames), unusedAttrVals: flags(attrVals) };
      const tree = parse(expression, { context: own });
      // An error message may contain the values.
      if (typeof tree === 'string') return tree;
      draft = createDraft(tree, own);
      if (drafts.size >= MAX_CACHED_EXPRESSIONS) drafts.clear();
      drafts.set(key, draft);
    }
    for (const name of draft.usedNames) delete context.unusedAttrNames[name];
    for (const name of draft.usedValues) delete context.unusedAttrVals[name];
    return draft.fill(attrVals);
  };
}

function createDraft(tree: unknown, { attrNames = {}, attrVals = {}, ...unused }: Context): Draft {
  const nameOf = new Map<unknown, string>(Object.entries(attrVals).map(([name, value]) => [value, name]));
  // The draft contains none of this request's values, which may be large.
  const template = copy(tree, (node) => {
    const name = nameOf.get(node);
    return name === undefined ? undefined : new Slot(name);
  });
  return {
    usedNames: Object.keys(attrNames).filter((name) => !(name in unused.unusedAttrNames)),
    usedValues: Object.keys(attrVals).filter((name) => !(name in unused.unusedAttrVals)),
    fill: (values) => copy(template, (node) => (node instanceof Slot ? values[node.name] : undefined)),
  };
}

/** The place of a value in a draft. */
class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Copies a tree, and replaces each node for which `replace` returns something. */
function copy(node: unknown, replace: (node: object) => unknown): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const replacement = replace(node);
  if (replacement !== undefined) return replacement;
  if (Array.isArray(node)) return node.map((element) => copy(element, replace));
  const copied: Record<string, unknown> = Object.create(Object.getPrototypeOf(node));
  for (const [name, member] of Object.entries(node)) copied[name] = copy(member, replace);
  return copied;
}

function typesOf(values: Readonly<Record<string, Value>>): readonly (readonly [string, string[]])[] {
  return Object.entries(values).map(([name, value]) => [name, Object.keys(value)]);
}

function flags(named: object): Record<string, boolean> {
  return Object.fromEntries(Object.keys(named).map((name) => [name, true]));
}
