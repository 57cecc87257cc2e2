import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendEventSchema, serviceMessageSchema } from '../../../protocol/index.ts';
import { PROTOCOL_DOCUMENT } from '../protocol-document.ts';
import { describeFields, readFieldTables } from './field-tables.ts';
import { convert, type JsonSchema, MESSAGE_INPUT, open } from './json-schemas.ts';
import { readSchemas } from './type-schemas.ts';

const DOCS = join(import.meta.dirname, '../../../docs');

/** The path of the schemas of the function `send`. */
export const SEND_SCHEMA_FILE = join(DOCS, 'send.schema.json');

/** The document of the function `send`. */
export const SEND_DOCUMENT = join(DOCS, 'send.md');

/** The place of the schemas in the document. */
const DEFINITIONS = '#/definitions/';

/** The definitions, with texts of docs/send.md and docs/protocol.md. Answers allow other fields, because later versions may add some. */
export function sendDefinitions(): Readonly<Record<string, JsonSchema>> {
  const ofWire = readFieldTables(readFileSync(PROTOCOL_DOCUMENT, 'utf8'));
  const own = readFieldTables(readFileSync(SEND_DOCUMENT, 'utf8'));
  const ofMessage = ofWire.get('sendMessage') ?? new Map();
  const fields = new Map([...ofWire, ...own, [MESSAGE_INPUT, ofMessage]]);
  fields.set('event', new Map([...ofMessage, ...(own.get('event') ?? [])]));
  const accepted = convert({ event: sendEventSchema, [MESSAGE_INPUT]: serviceMessageSchema }, DEFINITIONS);
  return Object.fromEntries(
    Object.entries({ ...accepted, ...readSchemas('SendOutcomes', DEFINITIONS) }).map(([name, schema]) => {
      const described = describeFields(schema, fields.get(name));
      return [name, portable(name in accepted ? described : open(described))];
    }),
  );
}

/** Removes patterns with Unicode properties, which Python's and other regular expressions lack. */
function portable(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value) => {
    return key === 'pattern' && String(value).includes('\\p{') ? undefined : value;
  });
}

/** Renders the document as its file contains it. */
export function renderSendSchema(): string {
  const document = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The function "send" of Beckon',
    description:
      'What it is invoked with (event), what it answers (answer), and what Lambda gives in its place when the invocation fails (failed), whose errorMessage holds an error as JSON. docs/send.md explains it. A schema may let through what the function refuses: names must consist of visible characters and single spaces, and lengths of texts are in UTF-16 code units there, and in code points here.',
    definitions: sendDefinitions(),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
