import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { messageSchema, sendEventSchema } from '../../../protocol/index.ts';
import type { InvocationProblem } from '../../../server/edge/invocation.ts';
import type { ServiceSend } from '../../../server/sending/service-send.ts';
import { PROTOCOL_DOCUMENT } from '../protocol-document.ts';
import { describeFields, readFieldTables } from './field-tables.ts';
import { convert, type JsonSchema, MESSAGE_INPUT, open } from './json-schemas.ts';
import { array, hold, problem, type Same, SERVER_SCHEMAS } from './server-frames.ts';

const DOCS = join(import.meta.dirname, '../../../docs');

/** The path of the schemas of the function `send`. */
export const SEND_SCHEMA_FILE = join(DOCS, 'send.schema.json');

/** The document of the function `send`. */
export const SEND_DOCUMENT = join(DOCS, 'send.md');

const { result, failure } = SERVER_SCHEMAS;

const answer = v.strictObject({ results: array(v.union([result, failure])) });

/** The JSON text in `errorMessage`. */
const error = v.strictObject({ ...problem, failures: v.exactOptional(array(failure)) });

/** Lambda's form of an error. For Lambda's own errors the type is not one of our codes. */
const failed = v.strictObject({
  errorType: v.string(),
  errorMessage: v.string(),
  trace: v.exactOptional(array(v.string())),
});

hold<Same<typeof answer, Awaited<ReturnType<ServiceSend>>>>();
hold<Same<typeof error, InvocationProblem>>();

const SCHEMAS = {
  event: sendEventSchema,
  answer,
  failed,
  error,
  result,
  failure,
  [MESSAGE_INPUT]: messageSchema,
};

/** The definitions, with texts of docs/send.md and docs/protocol.md. Answers allow other fields, because later versions may add some. */
export function sendDefinitions(): Readonly<Record<string, JsonSchema>> {
  const ofWire = readFieldTables(readFileSync(PROTOCOL_DOCUMENT, 'utf8'));
  const own = readFieldTables(readFileSync(SEND_DOCUMENT, 'utf8'));
  const ofMessage = ofWire.get('sendMessage') ?? new Map();
  const fields = new Map([...ofWire, ...own, [MESSAGE_INPUT, ofMessage]]);
  fields.set('event', new Map([...ofMessage, ...(own.get('event') ?? [])]));
  return Object.fromEntries(
    Object.entries(convert(SCHEMAS, '#/definitions/')).map(([name, schema]) => {
      const described = describeFields(schema, fields.get(name));
      return [name, portable(name === 'event' || name === MESSAGE_INPUT ? described : open(described))];
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
