/** Calls the function `send` from Python: runs examples/send.py unchanged. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { connectWire } from '../support/wire-client.ts';

const run = promisify(execFile);

let cloud: LocalCloud;
let advice: string | undefined;

beforeAll(async () => {
  // Older versions ignore AWS_ENDPOINT_URL.
  const hasBoto3 = 'import boto3; assert [int(n) for n in boto3.__version__.split(".")[:2]] >= [1, 28]';
  advice = await run('python3', ['-c', hasBoto3]).then(
    () => undefined,
    () => 'needs python3 with boto3 1.28 or newer: pip install boto3',
  );
  if (advice !== undefined) return;
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});

afterAll(() => cloud?.close());

async function python(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('python3', args, {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PYTHONPATH: 'examples',
      PYTHONDONTWRITEBYTECODE: '1',
      SEND_FUNCTION: cloud.outputs['Beckon']?.['SendFunctionName'],
      AWS_ENDPOINT_URL: cloud.endpointUrl,
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
  });
  return stdout.trim();
}

test('a message reaches an online user at once and an offline user later', async ({ skip }) => {
  if (advice !== undefined) skip(advice);
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: 'bob' })}` };
  const bob = await connectWire(cloud.websocketUrl, { headers });
  await bob.ask({ action: 'register' });
  expect(await python('examples/send.py', 'bob')).toBe('sent');
  expect(await python('examples/send.py', 'carol')).toBe('stored');
  await expect
    .poll(() => bob.frames)
    .toContainEqual(
      expect.objectContaining({
        messages: [
          expect.objectContaining({ id: 'report-7', from: { service: 'reports' }, data: { title: 'Your report' } }),
        ],
      }),
    );
  bob.socket.close();
});

test('a program learns which message failed and whether to retry', async ({ skip }) => {
  if (advice !== undefined) skip(advice);
  const program = `
import json, send
results = send.send({"to": {"user": "bob"}, "data": "ä"}, {"to": {"user": "bob"}, "data": "x" * 40000, "id": "large"})
try:
    send.send()
except RuntimeError as error:
    print(json.dumps({"answer": {"results": results}, "error": str(error)}))
`;
  const { answer, error } = JSON.parse(await python('-c', program));
  expect(answer.results).toMatchObject([
    { status: expect.any(String) },
    { id: 'large', error: { code: 'message_too_large', retryable: false } },
  ]);
  const [, errorType, text] = /^(\w+): (.*)$/.exec(error) ?? [];
  expect(errorType).toBe('invalid_frame');
  const refusal = JSON.parse(text ?? '');
  expect(refusal).toEqual({
    code: 'invalid_frame',
    message: '"messages" must hold at least one message',
    retryable: false,
  });

  const ajv = new Ajv({ strict: false });
  ajv.addSchema(JSON.parse(readFileSync('docs/send.schema.json', 'utf8')), 'send');
  expect(ajv.validate({ $ref: 'send#/definitions/answer' }, answer), ajv.errorsText()).toBe(true);
  expect(ajv.validate({ $ref: 'send#/definitions/error' }, refusal), ajv.errorsText()).toBe(true);
});
