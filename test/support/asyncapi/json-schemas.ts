import { type ConversionConfig, toJsonSchemaDefs } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { type Action, CLIENT_FRAMES, messageSchema, type ServerFrame } from '../../../protocol/index.ts';
import { branchesOf, isLazy } from '../schema-branches.ts';
import { readSchemas } from './type-schemas.ts';

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

/** The type of the reply to each action. */
export function replyTypes(): Readonly<Record<Action, ServerFrame['type']>> {
  const types = Object.entries(replySchemas()).map(([action, schema]) => [action, typeOf(schema)]);
  return Object.fromEntries(types);
}

/** The server's frames, by type. They have no other fields than today's: see {@link open}. */
export function serverSchemas(): Readonly<Record<ServerFrame['type'], JsonSchema>> {
  const others = readSchemas('OtherFrames', COMPONENTS, 'SharedParts');
  const frames = [...Object.values(replySchemas()), ...Object.values(others)];
  return Object.fromEntries(frames.map((schema) => [typeOf(schema), schema])) as ReturnType<typeof serverSchemas>;
}

function replySchemas() {
  return readSchemas('Replies', COMPONENTS, 'SharedParts');
}

function typeOf({ properties }: JsonSchema): ServerFrame['type'] {
  return properties?.['type']?.['const'] as ServerFrame['type'];
}

/** The shared schemas, by name. */
export function commonSchemas(): Schemas {
  return { ...convert({ [MESSAGE_INPUT]: messageSchema }), ...readSchemas('SharedParts', COMPONENTS) };
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
  ignoreActions: ['check'],
  overrideRef: ({ referenceId }) => at + referenceId,
  overrideAction: ({ valibotAction, jsonSchema }) => {
    // JSON Schema patterns are always Unicode patterns, so the flag `u` may go.
    const { requirement } = valibotAction as { readonly requirement?: unknown };
    return requirement instanceof RegExp && requirement.flags === 'u'
      ? { ...jsonSchema, pattern: requirement.source }
      : undefined;
  },
  overrideSchema: ({ valibotSchema }) => {
    const schema: v.GenericSchema = valibotSchema;
    if (isLazy(schema)) return { oneOf: branchesOf(schema).map((branch) => convertBranch(branch, at)) };
    // Any JSON value.
    if (schema.type === 'custom') return {};
    if (isBatch(schema)) return { type: 'array', items: { $ref: at + MESSAGE_INPUT } };
    return undefined;
  },
});

function convertBranch(branch: v.GenericSchema, at: string) {
  const { branch: converted } = toJsonSchemaDefs({ branch }, conversionAt(at));
  if (!converted) throw new Error('the conversion returned no schema');
  return converted;
}

function isBatch(schema: v.GenericSchema): boolean {
  return schema.type === 'array' && (schema as unknown as { item: v.GenericSchema }).item.type === 'unknown';
}

function pick(schemas: Schemas, names: readonly string[]): Schemas {
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => names.includes(name)));
}
