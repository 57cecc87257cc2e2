import type { JsonSchema } from './json-schemas.ts';

/** The document's row of one field. */
export interface Field {
  /** Absent if the table has no such column. Empty if the field is required. */
  readonly byDefault?: string;
  readonly meaning: string;
}

/** The document's tables of fields, by subject: `register`, `registered`, `reply history`. */
export type FieldTables = ReadonlyMap<string, ReadonlyMap<string, Field>>;

const HEADER = /^\| (?<reply>reply )?`(?<name>\w+)` \| value \| (?<hasDefault>default \| )?meaning \|$/;

/** Reads the tables with the header: a frame's name, `value`, optionally `default`, and `meaning`. */
export function readFieldTables(document: string): FieldTables {
  const tables = new Map<string, Map<string, Field>>();
  let table: { readonly fields: Map<string, Field>; readonly hasDefault: boolean } | undefined;
  for (const line of document.split('\n')) {
    const { reply = '', name, hasDefault } = HEADER.exec(line)?.groups ?? {};
    if (name !== undefined) {
      table = { fields: new Map(), hasDefault: hasDefault !== undefined };
      tables.set(reply + name, table.fields);
    } else if (!line.startsWith('|')) table = undefined;
    else if (table) addField(table, line);
  }
  return tables;
}

function addField({ fields, hasDefault }: { fields: Map<string, Field>; hasDefault: boolean }, line: string): void {
  const [name = '', , ...others] = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
  const field = /^`(\w+)`$/.exec(name)?.[1];
  if (field === undefined) return;
  const [byDefault = '', meaning = ''] = hasDefault ? others : ['', ...others];
  fields.set(field, { meaning: plain(meaning), ...(hasDefault && { byDefault: plain(byDefault) }) });
}

/** Removes Markdown links from a text. */
function plain(text: string): string {
  return text.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1');
}

/** Adds the table's texts to the properties of a schema. */
export function describeFields(schema: JsonSchema, fields: ReadonlyMap<string, Field> | undefined): JsonSchema {
  if (!fields) return schema;
  if (schema.oneOf) return { ...schema, oneOf: schema.oneOf.map((branch) => describeFields(branch, fields)) };
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { meaning = '', byDefault = '' } = fields.get(name) ?? {};
    const literal = /^(true|false|\d+)$/.test(byDefault);
    // JSON Schema ignores the properties beside a reference.
    if ('$ref' in property) return [name, property];
    const description = [sentence(meaning), literal || byDefault === '' ? '' : `Default: ${byDefault}.`]
      .join(' ')
      .trim();
    const more = { ...(description && { description }), ...(literal && { default: JSON.parse(byDefault) }) };
    return [name, { ...property, ...more }];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

function sentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Lists the fields of a schema, in all its variants. */
export function fieldsOf(schema: JsonSchema): readonly string[] {
  const own = Object.keys(schema.properties ?? {});
  return [...new Set([...own, ...(schema.oneOf ?? []).flatMap(fieldsOf)])];
}
