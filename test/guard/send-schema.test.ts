/** docs/send.schema.json and docs/send.md agree with the function `send`. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, test } from 'vitest';
import type { InvocationError } from '../../server/edge/invocation.ts';
import { createServiceSend } from '../../server/sending/service-send.ts';
import { readFieldTables } from '../support/asyncapi/field-tables.ts';
import { renderSendSchema, SEND_DOCUMENT, SEND_SCHEMA_FILE, sendDefinitions } from '../support/asyncapi/send-schema.ts';

const DOCUMENT = readFileSync(SEND_DOCUMENT, 'utf8');
const EXAMPLES = [...DOCUMENT.matchAll(/^```json (?<kind>\w+)\n(?<json>.*?)^```/gms)].map(
  ({ groups }) => [groups?.['kind'] ?? '', JSON.parse(groups?.['json'] ?? '')] as const,
);

/** Returns why a value does not match a definition; `undefined` if it matches. */
let fault: (kind: string, value: unknown) => string | undefined;

beforeAll(() => {
  const ajv = new Ajv({ strict: false });
  ajv.addSchema(JSON.parse(readFileSync(SEND_SCHEMA_FILE, 'utf8')), 'send');
  fault = (kind, value) => {
    const isValid = ajv.getSchema(`send#/definitions/${kind}`);
    if (!isValid) return `there is no definition "${kind}"`;
    return isValid(value) ? undefined : ajv.errorsText(isValid.errors);
  };
});

const send = createServiceSend({
  send: async (_, inputs) => ({
    ok: true,
    value: inputs.map(({ id = '' }) => ({
      id,
      serial: '0'.repeat(26),
      status: 'stored',
      connections: { sent: 0, gone: 0, failed: 0 },
      users: [{ user: 'bob', status: 'stored' }],
    })),
  }),
  log: () => {},
  now: () => 0,
});
const message = { to: { user: 'bob' }, data: 1 };

/** Invokes the function. Returns its answer, or its error in Lambda's form. */
async function outcomeOf(event: unknown): Promise<readonly ['answer' | 'failed', unknown]> {
  try {
    return ['answer', await send(event, { awsRequestId: '6c2a' })];
  } catch (thrown) {
    const { name, message: text } = thrown as InvocationError;
    return ['failed', { errorType: name, errorMessage: text }];
  }
}

test('docs/send.schema.json equals the output of "npm run asyncapi"', () => {
  expect(readFileSync(SEND_SCHEMA_FILE, 'utf8')).toBe(renderSendSchema());
});

test.each(EXAMPLES)('the example of docs/send.md matches its definition: %s %j', (kind, value) => {
  expect(fault(kind, value)).toBeUndefined();
});

test('the function accepts the events of docs/send.md, which has examples of every kind', async () => {
  expect(new Set(EXAMPLES.map(([kind]) => kind))).toEqual(new Set(['event', 'answer', 'failed']));
  for (const [kind, event] of EXAMPLES) if (kind === 'event') expect((await outcomeOf(event))[0]).toBe('answer');
});

test('the failure of docs/send.md happens as shown', async () => {
  const [, example] = EXAMPLES.find(([kind]) => kind === 'failed') ?? [];
  const [, told] = await outcomeOf({ to: { user: 'bob' } });
  expect(example).toMatchObject(told as object);
});

describe('the answers of the function match the schema', () => {
  test.each([
    [message, 'answer'],
    [
      { ...message, service: 'orders', id: 'm1', ephemeral: true, ttlSeconds: 1, retry: true, encoding: 'gzip' },
      'answer',
    ],
    [{ messages: [message, { to: 'bob' }, null] }, 'answer'],
    [{ messages: [message], failIfAnyFails: true }, 'answer'],
    [{ messages: [message, { to: 'bob', id: 'm2' }], failIfAnyFails: true }, 'failed'],
    [{ to: { user: 'bob' } }, 'failed'],
    [{ ...message, colour: 'blue' }, 'failed'],
    [{ messages: [] }, 'failed'],
    [{ ...message, failIfAnyFails: true }, 'failed'],
    [null, 'failed'],
  ])('to %j: %s', async (event, kind) => {
    const [outcome, told] = await outcomeOf(event);
    expect(outcome).toBe(kind);
    expect(fault(outcome, told)).toBeUndefined();
    if (outcome === 'failed') {
      expect(fault('error', JSON.parse((told as { readonly errorMessage: string }).errorMessage))).toBeUndefined();
    }
  });

  test('and the schema refuses the events that the function refuses', async () => {
    for (const event of [{ to: { user: 'bob' } }, { ...message, colour: 'blue' }, { messages: [] }, null])
      expect(fault('event', event), JSON.stringify(event)).toBeDefined();
    for (const event of [message, { messages: [message], failIfAnyFails: true, service: 'orders' }])
      expect(fault('event', event), JSON.stringify(event)).toBeUndefined();
  });
});

test.each(['answer', 'failed', 'error'])('the table "%s" of docs/send.md has the fields of the code', (name) => {
  const documented = [...(readFieldTables(DOCUMENT).get(name)?.keys() ?? [])];
  expect(documented.toSorted()).toEqual(Object.keys(sendDefinitions()[name]?.properties ?? {}).toSorted());
});

test('examples/send.py equals the example of docs/send.md', () => {
  const shown = /^```python\n(?<code>.*?)^```/ms.exec(DOCUMENT)?.groups?.['code'] ?? 'nothing is shown';
  expect(readFileSync('examples/send.py', 'utf8')).toContain(shown);
});
