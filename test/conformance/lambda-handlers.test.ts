import { GetFunctionCommand, GetFunctionConfigurationCommand, GetPolicyCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsError } from '../../local/service.ts';
import { provision, resource } from '../support/aws-server.ts';
import { type LambdaBench, ROLE, startLambdaBench } from '../support/lambda.ts';

let bench: LambdaBench;

beforeAll(async () => {
  bench = await startLambdaBench();
});

afterAll(async () => {
  await bench.close();
});

const NODE_24 = { Runtime: 'nodejs24.x' };

describe('finding the handler', () => {
  test('a CommonJS handler answers what its promise gives', async () => {
    const name = await bench.deploy('exports.handler = async (event) => ({ hello: event.name });');
    const { payload, functionError, executedVersion } = await bench.invoke(name, { name: 'bob' });
    expect(payload).toEqual({ hello: 'bob' });
    expect(functionError).toBeUndefined();
    expect(executedVersion).toBe('$LATEST');
  });

  test.each([
    ['index.mjs', { 'index.mjs': 'export const handler = async () => "mjs";' }, 'mjs'],
    ['index.cjs', { 'index.cjs': 'exports.handler = async () => "cjs";' }, 'cjs'],
    [
      'index.js of "type": "module"',
      { 'index.js': 'export const handler = async () => "esm";', 'package.json': '{"type":"module"}' },
      'esm',
    ],
    [
      'a default export that carries the handler',
      { 'index.mjs': 'export default { handler: async () => "default" };' },
      'default',
    ],
  ])('loads %s', async (_, files, expected) => {
    const name = await bench.deploy(files);
    expect((await bench.invoke(name)).payload).toBe(expected);
  });

  test('a handler in a folder, and a nested export', async () => {
    const code = 'exports.api = { v1: { handler: async () => "nested" } };';
    const name = await bench.deploy({ 'src/routes.js': code }, { Handler: 'src/routes.api.v1.handler' });
    expect((await bench.invoke(name)).payload).toBe('nested');
  });

  test('inline code is index.js, a CommonJS module', async () => {
    const ZipFile = 'exports.handler = async () => require("node:path").basename(__filename);';
    const { ref } = await provision(
      bench.lambda,
      resource('AWS::Lambda::Function', {
        Code: { ZipFile },
        Handler: 'index.handler',
        Runtime: 'nodejs22.x',
        Role: ROLE,
      }),
    );
    expect((await bench.invoke(ref)).payload).toBe('index.js');
  });

  test('inline code that uses ES module syntax is a syntax error, as on AWS', async () => {
    const name = await bench.deploy('export const handler = async () => 1;');
    const { payload, functionError } = await bench.invoke(name);
    expect(functionError).toBe('Unhandled');
    expect(payload).toMatchObject({ errorType: 'Runtime.UserCodeSyntaxError' });
  });

  test('a dependency that was not deployed is an ImportModuleError, even when this project has it', async () => {
    const name = await bench.deploy('const ws = require("ws"); exports.handler = async () => 1;');
    expect((await bench.invoke(name)).payload).toMatchObject({
      errorType: 'Runtime.ImportModuleError',
      errorMessage: expect.stringContaining("Cannot find module 'ws'"),
    });
  });

  test('an import that was not deployed is an ImportModuleError', async () => {
    const name = await bench.deploy({ 'index.mjs': 'import "ws"; export const handler = async () => 1;' });
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
  });

  test('an export that does not exist is a HandlerNotFound', async () => {
    const name = await bench.deploy('exports.other = async () => 1;');
    expect((await bench.invoke(name)).payload).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
      errorMessage: 'index.handler is undefined or not exported',
    });
  });

  test('an export that is not a function is a HandlerNotFound', async () => {
    const name = await bench.deploy('exports.handler = 42;');
    expect((await bench.invoke(name)).payload).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
      errorMessage: 'index.handler is not a function',
    });
  });

  test('what the module throws while it loads is reported as it is', async () => {
    const name = await bench.deploy('throw new RangeError("no table name");');
    expect((await bench.invoke(name)).payload).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'no table name',
    });
  });

  test('a module whose top-level await never settles is a NodeJsExit', async () => {
    const name = await bench.deploy({ 'index.mjs': 'await new Promise(() => {}); export const handler = () => 1;' });
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Runtime.NodeJsExit' });
  });

  test('the SDK of AWS comes with the runtime, for require and for import', async () => {
    const required = await bench.deploy(
      'const { SQSClient } = require("@aws-sdk/client-sqs"); exports.handler = async () => typeof SQSClient;',
    );
    const imported = await bench.deploy({
      'index.mjs':
        'import { SQSClient } from "@aws-sdk/client-sqs"; export const handler = async () => typeof SQSClient;',
    });
    expect((await bench.invoke(required)).payload).toBe('function');
    expect((await bench.invoke(imported)).payload).toBe('function');
  });
});

test('paths resolve from the task root', async () => {
  const name = await bench.deploy({
    'index.js': `
      const { readFileSync } = require('node:fs');
      const { resolve } = require('node:path');
      exports.handler = async () => [process.cwd() === process.env.LAMBDA_TASK_ROOT, readFileSync(resolve('data.txt'), 'utf8')];`,
    'data.txt': 'beside',
  });
  expect((await bench.invoke(name)).payload).toEqual([true, 'beside']);
});

describe('results and errors', () => {
  test.each([
    ['undefined', 'null', null],
    ['"text"', 'text', 'text'],
    ['{ date: new Date(0) }', 'a date', { date: '1970-01-01T00:00:00.000Z' }],
  ])('%s becomes JSON', async (expression, _, expected) => {
    const name = await bench.deploy(`exports.handler = async () => (${expression});`);
    expect((await bench.invoke(name)).payload).toEqual(expected);
  });

  test('a thrown error carries its type, message and trace', async () => {
    const name = await bench.deploy('exports.handler = async () => { throw new TypeError("bad input"); };');
    const { payload, functionError } = await bench.invoke(name);
    expect(functionError).toBe('Unhandled');
    expect(payload).toMatchObject({ errorType: 'TypeError', errorMessage: 'bad input' });
    expect((payload as { trace: string[] }).trace[0]).toBe('TypeError: bad input');
  });

  test('a thrown string carries its type', async () => {
    const name = await bench.deploy('exports.handler = async () => { throw "plain"; };');
    expect((await bench.invoke(name)).payload).toEqual({ errorType: 'string', errorMessage: 'plain', trace: [] });
  });

  test('an error thrown before the first await fails the invocation, and the environment lives on', async () => {
    const name = await bench.deploy(`
      let count = 0;
      exports.handler = (event) => { count++; if (event.fail) throw new Error('at once'); return Promise.resolve(count); };`);
    expect((await bench.invoke(name, { fail: true })).payload).toMatchObject({ errorMessage: 'at once' });
    expect((await bench.invoke(name)).payload).toBe(2);
  });

  test('a result that is no JSON is an error', async () => {
    const code = 'exports.handler = async () => { const a = {}; a.a = a; return a; };';
    const [old, current] = [await bench.deploy(code), await bench.deploy(code, NODE_24)];
    const errorMessage = 'Unable to stringify response body';
    expect((await bench.invoke(old)).payload).toMatchObject({ errorType: 'Error', errorMessage });
    expect((await bench.invoke(current)).payload).toMatchObject({
      errorType: 'Runtime.JSONStringifyError',
      errorMessage,
    });
  });

  test('a result of more than 6 MB is an error', async () => {
    const name = await bench.deploy('exports.handler = async () => "x".repeat(6 * 1024 * 1024 + 99);');
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
  });
});

describe('callback handlers, up to nodejs22.x', () => {
  test('the callback gives the result', async () => {
    const name = await bench.deploy('exports.handler = (event, context, callback) => callback(null, event.a + 1);');
    expect((await bench.invoke(name, { a: 1 })).payload).toBe(2);
  });

  test('the callback gives the error', async () => {
    const name = await bench.deploy('exports.handler = (event, context, callback) => callback(new Error("no"));');
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Error', errorMessage: 'no' });
  });

  test('the response waits for an empty event loop', async () => {
    const name = await bench.deploy(`
      exports.handler = (event, context, callback) => {
        setTimeout(() => console.log('later'), 20);
        callback(null, 1);
      };`);
    const { payload, logTail } = await bench.invoke(name, {}, { LogType: 'Tail' });
    expect(payload).toBe(1);
    expect(logTail).toContain('later');
  });

  test('with callbackWaitsForEmptyEventLoop = false it does not', async () => {
    const name = await bench.deploy(`
      exports.handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = false;
        setTimeout(() => console.log('later'), 60_000);
        callback(null, 1);
      };`);
    expect((await bench.invoke(name)).payload).toBe(1);
  });

  test('a return value that is no promise is ignored: null', async () => {
    const name = await bench.deploy('exports.handler = () => ({ statusCode: 200 });');
    expect((await bench.invoke(name)).payload).toBeNull();
  });

  test('a promise that nothing can settle any more ends in null', async () => {
    const name = await bench.deploy('exports.handler = () => new Promise(() => {});');
    expect((await bench.invoke(name)).payload).toBeNull();
  });

  test('context.succeed, context.fail and context.done', async () => {
    const name = await bench.deploy(`
      exports.handler = (event, context) => {
        if (event.how === 'succeed') context.succeed('yes');
        if (event.how === 'fail') context.fail(new Error('no'));
        if (event.how === 'done') context.done(null, 'done');
      };`);
    expect((await bench.invoke(name, { how: 'succeed' })).payload).toBe('yes');
    expect((await bench.invoke(name, { how: 'fail' })).payload).toMatchObject({ errorMessage: 'no' });
    expect((await bench.invoke(name, { how: 'done' })).payload).toBe('done');
  });
});

describe('handlers of nodejs24.x', () => {
  test('a callback handler is refused', async () => {
    const name = await bench.deploy('exports.handler = (event, context, callback) => callback(null, 1);', NODE_24);
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Runtime.CallbackHandlerDeprecated' });
  });

  test('a plain return value is the result', async () => {
    const name = await bench.deploy('exports.handler = () => ({ statusCode: 200 });', NODE_24);
    expect((await bench.invoke(name)).payload).toEqual({ statusCode: 200 });
  });

  test('a promise that nothing can settle any more is a NodeJsExit', async () => {
    const name = await bench.deploy('exports.handler = () => new Promise(() => {});', NODE_24);
    expect((await bench.invoke(name)).payload).toMatchObject({ errorType: 'Runtime.NodeJsExit' });
  });
});

describe('the context object', () => {
  test('says which function runs, how long, and for which request', async () => {
    const name = await bench.deploy(
      'exports.handler = async (event, context) => ({ ...context, remaining: context.getRemainingTimeInMillis() });',
      { Timeout: 5, MemorySize: 256 },
    );
    const { payload, requestId } = await bench.invoke(name);
    expect(payload).toMatchObject({
      functionName: name,
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      memoryLimitInMB: '256',
      awsRequestId: requestId,
      logGroupName: `/aws/lambda/${name}`,
      logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
      callbackWaitsForEmptyEventLoop: true,
    });
    const { remaining } = payload as { remaining: number };
    expect(remaining).toBeGreaterThan(2500);
    expect(remaining).toBeLessThanOrEqual(5000);
  });

  test('the client context of the caller', async () => {
    const name = await bench.deploy('exports.handler = async (event, context) => context.clientContext;');
    const ClientContext = Buffer.from('{"custom":{"a":1}}').toString('base64');
    expect((await bench.invoke(name, {}, { ClientContext })).payload).toEqual({ custom: { a: 1 } });
  });
});

describe('the API', () => {
  test('a function goes by name, partial ARN and ARN, and $LATEST is its only version', async () => {
    const name = await bench.deploy('exports.handler = async () => "here";');
    const arn = `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
    for (const reference of [name, `000000000000:function:${name}`, arn, `${arn}:$LATEST`]) {
      expect((await bench.invoke(reference)).payload).toBe('here');
    }
    await expect(bench.invoke(`${arn}:live`)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('an unknown function is a ResourceNotFoundException', async () => {
    await expect(bench.invoke('nobody')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody',
    });
  });

  test('IAM is asked for each call, with the function', async () => {
    const asked: string[] = [];
    const guarded = await startLambdaBench({
      authorize: (principal, action, arn) => {
        asked.push(`${principal.kind} ${action} ${arn}`);
        if (action !== 'lambda:GetFunction') throw new AwsError('AccessDeniedException', 'not allowed', 403);
      },
    });
    const name = await guarded.deploy('exports.handler = async () => 1;');
    await guarded.client.send(new GetFunctionCommand({ FunctionName: name }));
    await expect(guarded.invoke(name)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(guarded.invoke(name, {}, { InvocationType: 'DryRun' })).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    const arn = `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
    const invoked = `admin lambda:InvokeFunction ${arn}`;
    expect(asked).toEqual([`admin lambda:GetFunction ${arn}`, invoked, invoked]);
    await guarded.close();
  });

  test('other operations are refused by what they are', async () => {
    const name = await bench.deploy('exports.handler = async () => 1;');
    await expect(bench.client.send(new GetPolicyCommand({ FunctionName: name }))).rejects.toThrow(
      `GET /2015-03-31/functions/${name}/policy is not supported locally`,
    );
  });

  test('DryRun only checks', async () => {
    const name = await bench.deploy('exports.handler = async () => { throw new Error("ran"); };');
    expect(await bench.invoke(name, {}, { InvocationType: 'DryRun' })).toMatchObject({ functionError: undefined });
  });

  test('an event that is no JSON is refused', async () => {
    const name = await bench.deploy('exports.handler = async () => 1;');
    await expect(bench.invoke(name, {}, { Payload: '{' })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
    });
  });

  test('an event of more than 6 MB is refused', async () => {
    const name = await bench.deploy('exports.handler = async () => 1;');
    await expect(bench.invoke(name, 'x'.repeat(6 * 1024 * 1024))).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    });
  });

  test('GetFunctionConfiguration and GetFunction describe it', async () => {
    const FunctionName = await bench.deploy('exports.handler = async () => 1;', {
      Timeout: '7',
      Environment: { Variables: { TABLE: 'messages' } },
    });
    const configuration = await bench.client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    expect(configuration).toMatchObject({
      FunctionName,
      Timeout: 7,
      Environment: { Variables: { TABLE: 'messages' } },
    });
    const { Configuration } = await bench.client.send(new GetFunctionCommand({ FunctionName }));
    expect(Configuration).toMatchObject({ FunctionName, Runtime: 'nodejs22.x', Role: ROLE, State: 'Active' });
  });
});
