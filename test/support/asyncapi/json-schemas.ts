import { type ConversionConfig, toJsonSchemaDefs } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { type Action, CLIENT_FRAMES, messageSchema } from '../../../protocol/index.ts';
import { SERVER_FRAMES, SERVER_SCHEMAS } from './server-frames.ts';

/** A JSON Schema of draft 7, as far as it is looked into here. */
export interface JsonSchema {
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  oneOf?: JsonSchema[];
  [keyword: string]: unknown;
}

type Schemas = Readonly<Record<string, JsonSchema>>;

/** Where an AsyncAPI document has what several frames refer to. */
const COMPONENTS = '#/components/schemas/';

/** What may be in a batch: the schema of the frame lets anything in, because each message is judged by itself. */
export const MESSAGE_INPUT = 'messageInput';

/** The frames of the client, by action. */
export function clientSchemas(): Readonly<Record<Action, JsonSchema>> {
  return convert(CLIENT_FRAMES) as Record<Action, JsonSchema>;
}

/** The frames of the server, by type. They may have other fields as well: there will be more. */
export function serverSchemas(): Readonly<Record<keyof typeof SERVER_FRAMES, JsonSchema>> {
  const all = convert({ ...SERVER_SCHEMAS, ...SERVER_FRAMES });
  return pick(all, Object.keys(SERVER_FRAMES)) as ReturnType<typeof serverSchemas>;
}

/** What the schemas of several frames refer to, by name. */
export function commonSchemas(): Schemas {
  const ofServer = convert({ ...SERVER_SCHEMAS, ...SERVER_FRAMES });
  return { ...convert({ [MESSAGE_INPUT]: messageSchema }), ...pick(ofServer, Object.keys(SERVER_SCHEMAS)) };
}

/**
 * The JSON Schemas of schemas that may refer to each other.
 * @param at Where the document has them: what a reference begins with.
 */
export function convert(schemas: Readonly<Record<string, v.GenericSchema>>, at = COMPONENTS): Schemas {
  const converted = toJsonSchemaDefs(schemas, conversionAt(at));
  return pick(converted as unknown as Schemas, Object.keys(schemas));
}

/** The schema, for readers of which later versions may say more. */
export function open(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value) => {
    return key === 'additionalProperties' && value === false ? undefined : value;
  });
}

const conversionAt = (at: string): ConversionConfig => ({
  // How deep data is nested: no schema can say it.
  ignoreActions: ['check', 'readonly'],
  overrideRef: ({ referenceId }) => at + referenceId,
  overrideAction: ({ valibotAction, jsonSchema }) => {
    // Patterns of JSON Schemas are Unicode's anyway, which is the only flag there is.
    const { requirement } = valibotAction as { readonly requirement?: unknown };
    return requirement instanceof RegExp && requirement.flags === 'u'
      ? { ...jsonSchema, pattern: requirement.source }
      : undefined;
  },
  overrideSchema: ({ valibotSchema, jsonSchema }) => {
    const schema: v.GenericSchema = valibotSchema;
    if (isLazy(schema)) return { oneOf: branchesOf(schema).map((branch) => convertBranch(branch, at)) };
    // Any JSON.
    if (schema.type === 'custom') return {};
    if (schema.type === 'union') return { oneOf: jsonSchema.anyOf ?? [] };
    if (isBatch(schema)) return { type: 'array', items: { $ref: at + MESSAGE_INPUT } };
    return undefined;
  },
});

function convertBranch(branch: v.GenericSchema, at: string) {
  const { branch: converted } = toJsonSchemaDefs({ branch }, conversionAt(at));
  if (!converted) throw new Error('A schema has been converted into nothing');
  return converted;
}

type Lazy = v.LazySchema<v.GenericSchema>;

function isLazy(schema: v.GenericSchema): schema is Lazy {
  return schema.type === 'lazy';
}

function isBatch(schema: v.GenericSchema): boolean {
  return schema.type === 'array' && (schema as unknown as { item: v.GenericSchema }).item.type === 'unknown';
}

/** Every schema that a lazy one may choose: it asks its input for keys, one after the other, and is told yes for one of them. */
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
