import { join } from 'node:path';
import ts from '@typescript/typescript6';
import type { JsonSchema } from './json-schemas.ts';
import type { OtherFrames, Replies, SendOutcomes, SharedParts } from './wire-types.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TYPES = join(import.meta.dirname, 'wire-types.ts');

/** The interfaces that `wire-types.ts` exports. */
interface Declared {
  readonly Replies: Replies;
  readonly OtherFrames: OtherFrames;
  readonly SharedParts: SharedParts;
  readonly SendOutcomes: SendOutcomes;
}

/** Types with a meaning that their text alone does not have, by their names in the source. */
const NAMED: Readonly<Record<string, JsonSchema>> = {
  Json: {},
  // Open: later versions add codes, which must not break a client that checks frames. docs/errors.md lists them.
  ErrorCode: { type: 'string' },
  Serial: { type: 'string', pattern: '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' },
  Count: { type: 'integer', minimum: 0 },
  EpochMs: { type: 'integer', minimum: 0 },
  DurationMs: { type: 'integer', minimum: 0 },
};

/**
 * Reads the JSON Schemas of declared types, with the compiler. The types stay the only declaration of what the server sends.
 * @param name The interface: each of its properties becomes a schema.
 * @param shared The interface whose properties become references in the schemas. Default: the same.
 * @param at The prefix of references: the place of the schemas in the document.
 * @throws Error that names a type that has no JSON Schema here
 */
export function readSchemas<N extends keyof Declared>(
  name: N,
  at: string,
  shared: keyof Declared = name,
): Record<keyof Declared[N] & string, JsonSchema> {
  const { checker, typeOf } = open();
  const references = new Map(propertiesOf(checker, typeOf(shared)).map(({ type, key }) => [type, at + key]));
  const reader = new Reader(checker, references);
  const entries = propertiesOf(checker, typeOf(name)).map(({ key, type }) => [key, reader.read(type)]);
  return Object.fromEntries(entries);
}

interface Opened {
  readonly checker: ts.TypeChecker;
  readonly typeOf: (name: string) => ts.Type;
}

let opened: Opened | undefined;

/** Compiles the types once. */
function open(): Opened {
  if (opened) return opened;
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram([TYPES], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(TYPES);
  const module = source && checker.getSymbolAtLocation(source);
  const exported = new Map((module ? checker.getExportsOfModule(module) : []).map((each) => [each.name, each]));
  const typeOf = (name: string) => {
    const symbol = exported.get(name);
    if (!symbol) throw new Error(`${TYPES} has no type "${name}"`);
    return checker.getDeclaredTypeOfSymbol(symbol);
  };
  opened = { checker, typeOf };
  return opened;
}

interface Property {
  readonly key: string;
  readonly type: ts.Type;
  readonly isOptional: boolean;
  /** The name of its type, as the source has it. */
  readonly typeName: string | undefined;
}

function propertiesOf(checker: ts.TypeChecker, type: ts.Type): readonly Property[] {
  return inOrder(checker.getPropertiesOfType(type)).map((symbol) => {
    const [declaration] = symbol.declarations ?? [];
    const node = declaration && ts.isPropertySignature(declaration) ? declaration.type : undefined;
    const named =
      node && ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName) ? node.typeName.text : undefined;
    return {
      key: symbol.name,
      type: withoutUndefined(checker, checker.getTypeOfSymbol(symbol)),
      isOptional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
      typeName: named,
    };
  });
}

/** Sorts properties as the source has them, but `type` first. The compiler's order depends on what it was asked before. */
function inOrder(properties: readonly ts.Symbol[]): readonly ts.Symbol[] {
  const placeOf = ({ name, declarations: [at] = [] }: ts.Symbol) =>
    [name === 'type' ? 0 : 1, at?.getSourceFile().fileName ?? '', at?.pos ?? 0] as const;
  return properties.toSorted((one, other) => {
    const [first, file, position] = placeOf(one);
    const [otherFirst, otherFile, otherPosition] = placeOf(other);
    return first - otherFirst || file.localeCompare(otherFile) || position - otherPosition;
  });
}

/** Removes what `?` adds to a property's type. JSON has no `undefined`. */
function withoutUndefined(checker: ts.TypeChecker, type: ts.Type): ts.Type {
  return (type.flags & ts.TypeFlags.Union) === 0 ? type : checker.getNonNullableType(type);
}

class Reader {
  readonly #checker: ts.TypeChecker;
  readonly #references: ReadonlyMap<ts.Type, string>;

  constructor(checker: ts.TypeChecker, references: ReadonlyMap<ts.Type, string>) {
    this.#checker = checker;
    this.#references = references;
  }

  /** Reads a type itself, even if others refer to it. */
  read(type: ts.Type): JsonSchema {
    const { flags } = type;
    if (flags & ts.TypeFlags.String) return { type: 'string' };
    if (flags & ts.TypeFlags.Number) return { type: 'number' };
    if (flags & ts.TypeFlags.Boolean) return { type: 'boolean' };
    if (flags & ts.TypeFlags.BooleanLiteral) return { const: this.#checker.typeToString(type) === 'true' };
    if (type.isStringLiteral()) return { const: type.value };
    if (type.isUnion()) return this.#union(type.types);
    const [item] = this.#checker.isArrayType(type) ? this.#checker.getTypeArguments(type as ts.TypeReference) : [];
    if (item) return { type: 'array', items: this.#refer(item) };
    if (flags & ts.TypeFlags.Object) return this.#object(type);
    throw new Error(`${this.#checker.typeToString(type)}: there is no JSON Schema of this type`);
  }

  #refer(type: ts.Type, name?: string): JsonSchema {
    const $ref = this.#references.get(type);
    if ($ref !== undefined) return { $ref };
    return (name !== undefined && NAMED[name]) || this.read(type);
  }

  /** Sorts the members: the compiler's order changes with unrelated types. */
  #union(types: readonly ts.Type[]): JsonSchema {
    const literals = types.flatMap((type) => (type.isStringLiteral() ? [type.value] : []));
    if (literals.length === types.length) return { enum: literals.toSorted(), type: 'string' };
    const members = types.map((type) => JSON.stringify(this.#refer(type)));
    return { oneOf: members.toSorted().map((member) => JSON.parse(member)) };
  }

  #object(type: ts.Type): JsonSchema {
    const properties = propertiesOf(this.#checker, type);
    return {
      type: 'object',
      properties: Object.fromEntries(
        properties.map(({ key, type: own, typeName }) => [key, this.#refer(own, typeName)]),
      ),
      required: properties.filter(({ isOptional }) => !isOptional).map(({ key }) => key),
      additionalProperties: false,
    };
  }
}
