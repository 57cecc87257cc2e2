import fc from 'fast-check';
import type * as v from 'valibot';
import { cursorSchema, id as idSchema, roomNameSchema, userIdSchema } from '../../protocol/fields.ts';
import { type Action, CLIENT_FRAMES, isUserId, messageSchema } from '../../protocol/index.ts';
import { branchesOf, isLazy } from '../support/schema-branches.ts';

const id = fc.stringMatching(/^[\w.:-]{1,64}$/);
/** A few names, so that frames find the items of earlier frames. */
const familiar = fc.constantFrom('mallory0', 'mallory1', 'attic', 'cellar', 'lobby');
const name = fc.oneof(
  { weight: 4, arbitrary: familiar },
  {
    weight: 1,
    arbitrary: fc.stringMatching(/^[\p{L}\p{N}#*:|@.-]{1,20}( [\p{L}\p{N}#*:|@.-]{1,10}){0,2}$/u).filter(isUserId),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('bob', 'user#bob', 'room#lobby', '*', '🎉', 'ﬀ', '__proto__', 'constructor'),
  },
);
/** Serials: the first one, one of some years ago, and one of any time. */
const cursor = fc.oneof(
  fc.constantFrom('0'.repeat(26), '01H'.padEnd(26, '0')),
  fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
);
/** Valid JSON for `data`: within the nesting limit. */
const data = fc.jsonValue({ maxDepth: 10 });

/** The values of fields for which the schema's own rule would give too few good ones. */
const CHOSEN: ReadonlyMap<v.GenericSchema, fc.Arbitrary<unknown>> = new Map<v.GenericSchema, fc.Arbitrary<unknown>>([
  [userIdSchema, name],
  [roomNameSchema, name],
  [cursorSchema, cursor],
  [idSchema, id],
]);

/** The most items of a list, and the most characters of a text without a rule. */
const MAX_ITEMS = 5;
const MAX_TEXT = 50;
const MAX_NUMBER = 10_000_000;

/** The parts of schemas that this code reads. */
interface Parts {
  readonly type: string;
  readonly entries: Readonly<Record<string, v.GenericSchema>>;
  readonly wrapped: v.GenericSchema;
  readonly item: v.GenericSchema;
  readonly literal: unknown;
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

/**
 * Makes valid values of a schema.
 * @throws Error that names a type of schema that this function does not know
 */
function valuesOf(schema: v.GenericSchema): fc.Arbitrary<unknown> {
  const chosen = CHOSEN.get(schema);
  if (chosen) return chosen;
  if (isLazy(schema)) return fc.oneof(...branchesOf(schema).map(valuesOf));
  const { type, entries, wrapped, item, literal, pipe = [] } = schema as unknown as Parts;
  const rule = <T>(of: string, otherwise: T) => (pipe.find((each) => each.type === of)?.requirement ?? otherwise) as T;
  switch (type) {
    case 'strict_object':
      return recordOf(entries);
    case 'optional':
      return valuesOf(wrapped);
    case 'array': {
      const lengths = {
        minLength: rule('min_length', 0),
        maxLength: Math.min(MAX_ITEMS, rule('max_length', MAX_ITEMS)),
      };
      return fc.array(valuesOf(item), lengths);
    }
    case 'string':
      return textOf(rule<RegExp | undefined>('regex', undefined), rule('max_length', MAX_TEXT));
    case 'number':
      return fc.integer({ min: rule('min_value', 0), max: Math.min(MAX_NUMBER, rule('max_value', MAX_NUMBER)) });
    case 'boolean':
      return fc.boolean();
    case 'literal':
      return fc.constant(literal);
    case 'custom':
      return data;
    case 'unknown':
      return valuesOf(messageSchema);
    default:
      throw new Error(`valuesOf makes no values of schemas of the type "${type}"`);
  }
}

function recordOf(entries: Parts['entries']): fc.Arbitrary<object> {
  const values = Object.fromEntries(Object.entries(entries).map(([key, schema]) => [key, valuesOf(schema)]));
  const requiredKeys = Object.keys(entries).filter((key) => entries[key]?.type !== 'optional');
  return fc.record(values, { requiredKeys });
}

function textOf(pattern: RegExp | undefined, maxLength: number): fc.Arbitrary<string> {
  if (!pattern) return fc.string({ maxLength: Math.min(MAX_TEXT, maxLength) });
  return fc.stringMatching(pattern).filter((text) => text.length <= maxLength);
}

/** Valid frames of each action. */
export const validFrames = Object.fromEntries(
  Object.entries(CLIENT_FRAMES).map(([action, schema]) => [action, valuesOf(schema)]),
) as Readonly<Record<Action, fc.Arbitrary<object>>>;

/** Values that break code which expects another type, size or alphabet. */
const nasty = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\uD800',
    'a'.repeat(300),
    'a'.repeat(10_000),
    '../../etc/passwd',
    "' OR 1=1 --",
    -1,
    0,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER + 2,
    null,
    [],
    {},
    [[]],
    [null],
    { user: 'a', room: 'b' },
    { users: [] },
    { user: { user: 'a' } },
    'user#bob',
    ...[' ', ' bob', 'bob  ', 'bob\u3164', 'bob\uFE0F', 'bob\uFFFF'].map((user) => ({ user })),
    '7'.repeat(26),
    '8'.repeat(26),
    JSON.parse('['.repeat(500) + ']'.repeat(500)),
    JSON.parse('{"__proto__":{"admin":true}}'),
  ),
);

/** A frame with something replaced, added or removed at any depth. */
export function mutated(frames: fc.Arbitrary<object>): fc.Arbitrary<unknown> {
  const change = fc.tuple(fc.constantFrom('replace', 'add', 'remove'), fc.nat(), nasty, fc.string({ maxLength: 40 }));
  return fc
    .tuple(frames, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([valid, changes]) => changes.reduce<unknown>(applyChange, structuredClone(valid)));
}

type Change = readonly [kind: string, where: number, value: unknown, key: string];

function applyChange(frame: unknown, [kind, where, value, key]: Change): unknown {
  const places = objectsIn(frame);
  const place = places[where % Math.max(1, places.length)];
  if (!place) return frame;
  const keys = Object.keys(place);
  const chosen = kind === 'add' ? key : keys[where % Math.max(1, keys.length)];
  // A frame cannot contain the key `length` of an array.
  if (chosen === undefined || Object.getOwnPropertyDescriptor(place, chosen)?.configurable === false) return frame;
  if (kind === 'remove') delete place[chosen];
  else
    Object.defineProperty(place, chosen, {
      value: structuredClone(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return frame;
}

/** Goes as deep as Beckon's frames go. */
function objectsIn(value: unknown, depth = 6): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null || depth === 0) return [];
  const inner = Object.values(value).slice(0, 20);
  return [value as Record<string, unknown>, ...inner.flatMap((each) => objectsIn(each, depth - 1))];
}
