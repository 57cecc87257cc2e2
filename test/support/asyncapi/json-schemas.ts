import { type ConversionConfig, toJsonSchemaDefs } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { type Action, CLIENT_FRAMES, messageSchema } from '../../../protocol/index.ts';
import { SERVER_FRAMES, SERVER_SCHEMAS } from './server-frames.ts';

/** The parts of a draft 7 JSON Schema that this code reads. */
export interface JsonSchema {
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  oneOf?: JsonSchema[];
  [keyword: string]: unknown;
}

type Schemas = Readonly<Record<string, JsonSchema>>;

/** The place of shared schemas in an AsyncAPI document. */
const COMPONENTS = '#/components/schemas/';

/** The messages of a batch. The frame's own schema accepts any, because the server validates each message alone. */
export const MESSAGE_INPUT = 'messageInput';

/** The client's frames, by action. */
export function clientSchemas(): Readonly<Record<Action, JsonSchema>> {
  return convert(CLIENT_FRAMES) as Record<Action, JsonSchema>;
}

/** The server's frames, by type. They allow other fields, because later versions may add some. */
export function serverSchemas(): Readonly<Record<keyof typeof SERVER_FRAMES, JsonSchema>> {
  const all = convert({ ...SERVER_SCHEMAS, ...SERVER_FRAMES });
  return pick(all, Object.keys(SERVER_FRAMES)) as ReturnType<typeof serverSchemas>;
}

/** The shared schemas, by name. */
export function commonSchemas(): Schemas {
  const ofServer = convert({ ...SERVER_SCHEMAS, ...SERVER_FRAMES });
  return { ...convert({ [MESSAGE_INPUT]: messageSchema }), ...pick(ofServer, Object.keys(SERVER_SCHEMAS)) };
}

/**
 * Converts schemas that may refer to each other into JSON Schemas.
 * @param at The prefix of references: the place of the schemas in the document.
 */
export function convert(schemas: Readonly<Record<string, v.GenericSchema>>, at = COMPONENTS): Schemas {
  const converted = toJsonSchemaDefs(schemas, conversionAt(at));
  return pick(converted as unknown as Schemas, Object.keys(schemas));
}

/** Opens a schema for fields that later versions may add. */
export function open(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value) => {
    return key === 'additionalProperties' && value === false ? undefined : value;
  });
}

const conversionAt = (at: string): ConversionConfig => ({
  // JSON Schema cannot express how deep data is nested.
  ignoreActions: ['check', 'readonly'],
  overrideRef: ({ referenceId }) => at + referenceId,
  overrideAction: ({ valibotAction, jsonSchema }) => {
    // JSON Schema patterns are always Unicode patterns, so the flag `u` may go.
    const { requirement } = valibotAction as { readonly requirement?: unknown };
    return requirement instanceof RegExp && requirement.flags === 'u'
      ? { ...jsonSchema, pattern: requirement.source }
      : undefined;
  },
  overrideSchema: ({ valibotSchema, jsonSchema }) => {
    const schema: v.GenericSchema = valibotSchema;
    if (isLazy(schema)) return { oneOf: branchesOf(schema).map((branch) => convertBranch(branch, at)) };
    // Any JSON value.
    if (schema.type === 'custom') return {};
    if (schema.type === 'union') return { oneOf: jsonSchema.anyOf ?? [] };
    if (isBatch(schema)) return { type: 'array', items: { $ref: at + MESSAGE_INPUT } };
    return undefined;
  },
});

function convertBranch(branch: v.GenericSchema, at: string) {
  const { branch: converted } = toJsonSchemaDefs({ branch }, conversionAt(at));
  if (!converted) throw new Error('the conversion returned no schema');
  return converted;
}

type Lazy = v.LazySchema<v.GenericSchema>;

function isLazy(schema: v.GenericSchema): schema is Lazy {
  return schema.type === 'lazy';
}

function isBatch(schema: v.GenericSchema): boolean {
  return schema.type === 'array' && (schema as unknown as { item: v.GenericSchema }).item.type === 'unknown';
}

/** Lists the schemas that a lazy one may choose. It looks for keys in its input, so each input has one of the keys. */
function branchesOf({ getter }: Lazy): readonly v.GenericSchema[] {
  const asked = new Set<PropertyKey>();
  const choose = (present?: PropertyKey) =>
    getter(
      new Proxy(
        {},
        {
          getOwnPropertyDescriptor: (_, key) => {
            asked.add(key);
            return key === present ? { value: true, configurable: true, enumerable: true } : undefined;
          },
        },
      ),
    );
  const otherwise = choose();
  return [otherwise, ...[...asked].map((key) => choose(key))];
}

function pick(schemas: Schemas, names: readonly string[]): Schemas {
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => names.includes(name)));
}
