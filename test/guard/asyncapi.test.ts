/** docs/asyncapi.json agrees with the code and with docs/protocol.md. */
import { readFileSync } from 'node:fs';
import specs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Action, CLIENT_FRAMES, type ServerFrame } from '../../protocol/index.ts';
import { type createAsyncApi, nameOf } from '../support/asyncapi/document.ts';
import { fieldsOf, readFieldTables } from '../support/asyncapi/field-tables.ts';
import { clientSchemas, commonSchemas, replyTypes, serverSchemas } from '../support/asyncapi/json-schemas.ts';
import { ASYNCAPI_FILE, renderAsyncApi } from '../support/asyncapi/render.ts';
import { PROTOCOL_DOCUMENT, readProtocolExamples } from '../support/protocol-document.ts';

const EXAMPLES = readProtocolExamples();
const SENT = EXAMPLES.filter((example) => example.kind === 'sends');
const GOT = EXAMPLES.filter((example) => example.kind === 'gets');

let committed: ReturnType<typeof createAsyncApi>;

beforeAll(() => {
  committed = JSON.parse(readFileSync(ASYNCAPI_FILE, 'utf8'));
});

test('docs/asyncapi.json equals the output of "npm run asyncapi"', () => {
  expect(readFileSync(ASYNCAPI_FILE, 'utf8')).toBe(renderAsyncApi());
});

test('docs/asyncapi.json is an AsyncAPI 3.0 document', () => {
  // The specification contains the meta schema of JSON Schema.
  const ajv = new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false });
  formats.default(ajv);
  const isValid = ajv.compile(specs.schemas['3.0.0'] as object);
  isValid(committed);
  expect(isValid.errors).toBeNull();
  expect(isValid({ ...committed, channels: [] }), 'what is none is not taken for one').toBe(false);
});

test('every reference in docs/asyncapi.json resolves', () => {
  const references = [...readFileSync(ASYNCAPI_FILE, 'utf8').matchAll(/"\$ref": "#\/([^"]+)"/g)].map(
    ([, path]) => path,
  );
  expect(references.length).toBeGreaterThan(0);
  const find = (path = '') =>
    path.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], committed);
  expect(references.filter((path) => find(path) === undefined)).toEqual([]);
});

describe('the examples of docs/protocol.md', () => {
  /** Returns why a frame does not match a message's schema; `undefined` if it matches. */
  let fault: (message: string, frame: unknown) => string | undefined;
  /** Whether a frame has only the fields of today's frames of its type. The document allows more. */
  let isOfToday: (type: string, frame: unknown) => boolean;

  beforeAll(() => {
    const ajv = new Ajv({ strict: false });
    ajv.addSchema(committed, 'asyncapi');
    fault = (message, frame) => {
      const isValid = ajv.getSchema(`asyncapi#/components/messages/${message}/payload`);
      if (!isValid) return 'there is no such message';
      return isValid(frame) ? undefined : ajv.errorsText(isValid.errors);
    };
    const today = new Ajv({ strict: false });
    today.addSchema({ frames: serverSchemas(), components: { schemas: commonSchemas() } }, 'today');
    isOfToday = (type, frame) => today.validate(`today#/frames/${type}`, frame);
  });

  const label = ({ line, frame }: { readonly line: number; readonly frame?: Record<string, unknown> }) =>
    `line ${line}: ${frame?.['action'] ?? frame?.['type']}`;

  test.each(SENT.filter(({ isWrong, frame }) => !isWrong && frame).map((each) => [label(each), each] as const))(
    '%s matches a schema of the client',
    (_, { frame }) => {
      expect(fault(String(frame?.['action']), frame)).toBeUndefined();
    },
  );

  test.each(SENT.filter(({ isWrong }) => isWrong).map((each) => [label(each), each] as const))(
    '%s matches no schema of the client',
    (_, { frame }) => {
      expect(fault(String(frame?.['action']), frame)).toBeDefined();
    },
  );

  test.each(GOT.map((each) => [label(each), each] as const))('%s matches a schema of the server', (_, { frame }) => {
    const type = frame['type'] as ServerFrame['type'];
    expect(fault(nameOf(type), frame)).toBeUndefined();
    expect(isOfToday(type, frame)).toBe(true);
    expect(isOfToday(type, { ...frame, colour: 'blue' })).toBe(false);
  });

  test('have the replies that the document says', () => {
    const types = replyTypes();
    for (const { device, frame } of SENT) {
      const reply = GOT.find((each) => each.device === device && frame?.['id'] && each.frame['id'] === frame['id']);
      if (!frame || !reply) continue;
      expect([types[frame['action'] as Action], 'error']).toContain(reply.frame['type']);
    }
  });
});

describe('the tables of docs/protocol.md', () => {
  const tables = readFieldTables(readFileSync(PROTOCOL_DOCUMENT, 'utf8'));
  const { messageInput: _, failure: __, ...common } = commonSchemas();
  const replies = Object.entries(serverSchemas()).map(([type, schema]) => {
    return [type in CLIENT_FRAMES ? `reply ${type}` : type, schema] as const;
  });

  test.each([...Object.entries(clientSchemas()), ...replies, ...Object.entries(common)])(
    '%s has the fields of the code',
    (name, schema) => {
      expect([...(tables.get(name)?.keys() ?? [])].toSorted()).toEqual(fieldsOf(schema).toSorted());
    },
  );

  test.each(Object.entries(clientSchemas()))('%s has the default of every optional field', (name, schema) => {
    const shapes = schema.oneOf ?? [schema];
    const required = shapes.flatMap((shape) => shape['required'] as string[]);
    const without = [...(tables.get(name) ?? [])]
      .filter(([, { byDefault }]) => byDefault === '')
      .map(([field]) => field);
    expect(without.filter((field) => !required.includes(field))).toEqual([]);
    if (schema.oneOf) return;
    expect(required.filter((field) => !without.includes(field))).toEqual([]);
  });
});
