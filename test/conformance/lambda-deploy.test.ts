import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsError, type Resource } from '../../local/service.ts';
import { provision, resource } from '../support/aws-server.ts';
import { type LambdaBench, ROLE, startLambdaBench } from '../support/lambda.ts';

let bench: LambdaBench;
let assetDirectory: string;

beforeAll(async () => {
  bench = await startLambdaBench();
  assetDirectory = mkdtempSync(path.join(tmpdir(), 'lambda-deploy-'));
  for (const folder of ['asset.abc123', 'handlers']) {
    mkdirSync(path.join(assetDirectory, folder));
    writeFileSync(path.join(assetDirectory, folder, 'index.js'), `exports.handler = async () => '${folder}';`);
  }
});

afterAll(async () => {
  await bench.close();
  rmSync(assetDirectory, { recursive: true, force: true });
});

const CODE = { ZipFile: 'exports.handler = async () => 1;' };

function deploy(properties: Resource['properties'], more: Partial<Resource> = {}) {
  const all = { Code: CODE, Handler: 'index.handler', Runtime: 'nodejs22.x', Role: ROLE, ...properties };
  const logicalId = `Function${Math.random().toString(36).slice(2)}`;
  return provision(bench.lambda, {
    ...resource('AWS::Lambda::Function', all, logicalId),
    assetDirectory,
    ...more,
  });
}

describe('where the code is', () => {
  const S3 = { S3Bucket: 'cdk-assets', S3Key: 'abc123.zip' };

  test('in the folder that aws:asset:path names', async () => {
    const { ref } = await deploy({ Code: S3 }, { metadata: { 'aws:asset:path': 'handlers' } });
    expect((await bench.invoke(ref)).payload).toBe('handlers');
  });

  test("in the CDK's folder asset.<hash> of the key <hash>.zip", async () => {
    const { ref } = await deploy({ Code: S3 });
    expect((await bench.invoke(ref)).payload).toBe('asset.abc123');
  });

  test('in the folder that Code is, as for "aws cloudformation package"', async () => {
    const { ref } = await deploy({ Code: './handlers' });
    expect((await bench.invoke(ref)).payload).toBe('handlers');
  });

  test("in the CDK's zip file asset.<hash>.zip, of which each file is unpacked", async () => {
    const files = {
      'index.js': strToU8("exports.handler = require('./src/value.js');"),
      'src/value.js': strToU8("module.exports = async () => 'zipped';"),
    };
    writeFileSync(path.join(assetDirectory, 'asset.def456.zip'), zipSync(files));
    const { ref } = await deploy({ Code: { ...S3, S3Key: 'def456.zip' } });
    expect((await bench.invoke(ref)).payload).toBe('zipped');
    const named = await deploy({ Code: S3 }, { metadata: { 'aws:asset:path': 'asset.def456.zip' } });
    expect((await bench.invoke(named.ref)).payload).toBe('zipped');
    await expect(deploy({ Code: './asset.def456.zip', Handler: 'src/app.handler' })).rejects.toThrow(
      /Handler: "src\/app.handler" names the file src\/app.js/,
    );
  });

  test('a zip file that is none, or would write elsewhere, is refused', async () => {
    writeFileSync(path.join(assetDirectory, 'none.zip'), 'none');
    await expect(deploy({ Code: './none.zip' })).rejects.toThrow(/Code: .*none.zip cannot be unpacked: invalid zip/);
    const files = { 'index.js': strToU8(''), '../outside.js': strToU8('') };
    writeFileSync(path.join(assetDirectory, 'outside.zip'), zipSync(files));
    await expect(deploy({ Code: './outside.zip' })).rejects.toThrow('its entry "../outside.js" would be outside');
  });

  test('a folder that is missing is named', async () => {
    await expect(deploy({ Code: './nowhere' })).rejects.toThrow(
      `(AWS::Lambda::Function) in Stack: Code: expected a folder or a zip file with the function's code at ${assetDirectory}/nowhere`,
    );
  });

  test('a key that is no asset is refused, with what to write instead', async () => {
    await expect(deploy({ Code: { ...S3, S3Key: 'functions/mine' } })).rejects.toThrow(/write "Code": ".\/folder"/);
  });

  test('a handler whose file is missing is named', async () => {
    await expect(deploy({ Code: './handlers', Handler: 'src/app.handler' })).rejects.toThrow(
      /Handler: "src\/app.handler" names the file src\/app.js/,
    );
  });

  test('inline code that is not named index', async () => {
    await expect(deploy({ Handler: 'app.handler' })).rejects.toThrow('the file of inline code is index.js');
  });

  test('a container image', async () => {
    await expect(deploy({ Code: { ImageUri: 'x' }, PackageType: 'Image' })).rejects.toThrow(/PackageType|Code/);
  });
});

describe('settings that AWS would refuse, or that are not emulated', () => {
  test.each([
    ['Runtime', { Runtime: 'python3.13' }, /Runtime: expected .*"nodejs24.x".*, got "python3.13"/],
    ['Timeout', { Timeout: 901 }, /Timeout: expected <=900, got 901/],
    ['MemorySize', { MemorySize: '64' }, /MemorySize: expected >=128, got 64/],
    ['Handler', { Handler: 'index' }, /Handler: /],
    [
      'a reserved variable',
      { Environment: { Variables: { AWS_REGION: 'eu-west-1' } } },
      /AWS_REGION is reserved by Lambda/,
    ],
    [
      'a variable that is no name',
      { Environment: { Variables: { '1A': 'x' } } },
      /"1A" is not a name that Lambda takes/,
    ],
    ['too much environment', { Environment: { Variables: { AA: 'x'.repeat(4096) } } }, /at most 4096/],
    ['too much concurrency', { ReservedConcurrentExecutions: 901 }, /only 900 of the account's 1000 are left/],
    ['a nested property', { LoggingConfig: {}, DeadLetterConfig: { Target: 'x' } }, /DeadLetterConfig/],
  ])('%s', async (_, properties, message) => {
    await expect(deploy(properties)).rejects.toThrow(message);
  });

  test('a role that Lambda may not assume', async () => {
    const strict = await startLambdaBench({
      issueCredentials: () => {
        throw new AwsError('AccessDenied', 'its trust policy does not name lambda.amazonaws.com', 403);
      },
    });
    await expect(strict.deploy('exports.handler = async () => 1;')).rejects.toThrow(
      `Role: Lambda cannot assume ${ROLE}: its trust policy does not name lambda.amazonaws.com`,
    );
    await strict.close();
  });

  test('two functions of one name', async () => {
    await deploy({ FunctionName: 'twin' });
    await expect(deploy({ FunctionName: 'twin' })).rejects.toThrow('there are two functions of the name twin');
  });

  test('layers and URLs have no provider and no property: they are refused by name', () => {
    const types = bench.lambda.providers.map(({ type }) => type);
    expect(types).not.toContain('AWS::Lambda::LayerVersion');
    expect(types).not.toContain('AWS::Lambda::Url');
    const [provider] = bench.lambda.providers;
    const known = [...(provider?.properties ?? []), ...(provider?.inertProperties ?? [])];
    for (const property of ['Layers', 'VpcConfig', 'FileSystemConfigs', 'ImageConfig', 'SnapStart']) {
      expect(known).not.toContain(property);
    }
  });
});

describe('versions and aliases', () => {
  const make = (type: string, properties: Resource['properties']) =>
    provision(bench.lambda, resource(`AWS::Lambda::${type}`, properties));

  async function published() {
    const code = 'exports.handler = async (_, context) => context.invokedFunctionArn;';
    const { ref: FunctionName, attributes } = await deploy({ Code: { ZipFile: code } });
    const version = await make('Version', { FunctionName, Description: 'v1' });
    const live = { FunctionName, FunctionVersion: version.attributes['Version'], Name: 'live' };
    return { FunctionName, arn: String(attributes['Arn']), version, live, alias: await make('Alias', live) };
  }

  test('are names for the deployed code', async () => {
    const { FunctionName, arn, version, alias } = await published();
    expect(version).toEqual({ ref: `${arn}:1`, attributes: { FunctionArn: `${arn}:1`, Version: '1' } });
    expect(alias).toEqual({ ref: `${arn}:live`, attributes: { AliasArn: `${arn}:live` } });
    for (const [reference, input] of [
      [version.ref, {}],
      [alias.ref, {}],
      [FunctionName, { Qualifier: 'live' }],
    ] as const) {
      expect(await bench.invoke(reference, {}, input)).toMatchObject({
        payload: expect.stringMatching(/:(1|live)$/),
        executedVersion: '1',
      });
    }
    expect(await bench.invoke(FunctionName)).toMatchObject({ payload: arn, executedVersion: '$LATEST' });
    await expect(bench.invoke(FunctionName, {}, { Qualifier: 'gone' })).rejects.toThrow(
      `Function not found: ${arn}:gone`,
    );
  });

  test('have permissions of their own', async () => {
    const { FunctionName, alias } = await published();
    const source = { service: 'events.amazonaws.com', sourceArn: 'arn:aws:events:us-east-1:000000000000:rule/r' };
    const permit = (name: string) =>
      make('Permission', { Action: 'lambda:InvokeFunction', FunctionName: name, Principal: 'events.amazonaws.com' });
    await permit(FunctionName);
    expect(await bench.lambda.invoke(alias.ref, {}, source)).toEqual({ kind: 'denied' });
    await permit(alias.ref);
    expect(await bench.lambda.invoke(alias.ref, {}, source)).toMatchObject({ kind: 'ok' });
  });

  test('are refused if they are impossible', async () => {
    const { live } = await published();
    await expect(make('Alias', live)).rejects.toThrow('two aliases of the name live');
    await expect(make('Alias', { ...live, Name: 'new', FunctionVersion: '7' })).rejects.toThrow(
      /Function not found: .*:7/,
    );
    await expect(make('Alias', { ...live, Name: '7' })).rejects.toThrow(/Name: /);
    const RoutingConfig = { AdditionalVersionWeights: [] };
    await expect(make('Alias', { ...live, Name: 'new', RoutingConfig })).rejects.toThrow(/RoutingConfig/);
  });
});

describe('the AWS SDK', () => {
  /** An application with packages of its own. */
  function install(...names: string[]): void {
    for (const name of names) {
      const folder = path.join(assetDirectory, 'node_modules', name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'index.js'), `exports.name = ${JSON.stringify(name)};`);
    }
  }
  const using = (name: string) => ({
    Code: { ZipFile: `const { name } = require('${name}'); exports.handler = async () => name;` },
  });

  test('finds clients of the application', async () => {
    install('@aws-sdk/client-theirs');
    const { ref } = await deploy(using('@aws-sdk/client-theirs'));
    expect((await bench.invoke(ref)).payload).toBe('@aws-sdk/client-theirs');
  });

  test('has the document client, as in AWS’s runtime', async () => {
    const ZipFile = `const { DynamoDBDocumentClient } = require('@aws-sdk/lib-dynamodb');
      const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
      exports.handler = async () => typeof DynamoDBDocumentClient.from(new DynamoDBClient({})).send;`;
    const { ref } = await deploy({ Code: { ZipFile } });
    expect((await bench.invoke(ref)).payload).toBe('function');
    expect(bench.log.filter(({ level, source }) => level === 'warn' && source === ref)).toEqual([]);
  });

  test('finds nothing else of the application’s packages', async () => {
    install('left-pad', '@aws-sdk/client-mine', '@own/client-x');
    for (const name of ['left-pad', '@own/client-x']) {
      const { ref } = await deploy(using(name));
      expect((await bench.invoke(ref)).payload).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
    }
  });

  test.each([
    "import { x } from '@aws-sdk/client-nowhere'",
    'import"@aws-sdk/client-nowhere"',
    'const x = await import("@aws-sdk/client-nowhere")',
    'require(\n  "@aws-sdk/client-nowhere/dist")',
    "require('@aws-sdk/credential-provider-nowhere'); require('@aws-sdk/client-nowhere')",
  ])('the deployment names a client that is missing: %s', async (code) => {
    const { ref } = await deploy({ Code: { ZipFile: code } });
    expect(bench.log).toContainEqual({
      level: 'warn',
      source: ref,
      message:
        "its code uses @aws-sdk/client-nowhere, which AWS's runtime has, and this machine lacks: npm install --save-dev @aws-sdk/client-nowhere",
    });
  });

  test('the deployment names a missing library of the SDK as well', async () => {
    const { ref } = await deploy({ Code: { ZipFile: "import('@aws-sdk/s3-nowhere-presigner')" } });
    const named = bench.log.filter(({ source }) => source === ref).map(({ message }) => message);
    expect(named).toEqual([expect.stringMatching(/^its code uses @aws-sdk\/s3-nowhere-presigner, .*: npm install /)]);
  });

  test('may be part of the code', async () => {
    const folder = path.join(assetDirectory, 'packed');
    mkdirSync(path.join(folder, 'node_modules/@aws-sdk/client-own'), { recursive: true });
    writeFileSync(
      path.join(folder, 'node_modules/@aws-sdk/client-own/index.js'),
      "require('@aws-sdk/client-elsewhere');",
    );
    writeFileSync(
      path.join(folder, 'index.js'),
      "() => require('@aws-sdk/client-own'); exports.handler = async () => 1;",
    );
    const { ref } = await deploy({ Code: './packed' });
    expect((await bench.invoke(ref)).payload).toBe(1);
  });
});

describe('permissions', () => {
  const API = 'arn:aws:execute-api:us-east-1:000000000000:a1b2c3d4e5';

  function permit(FunctionName: string, properties: Resource['properties']) {
    return provision(
      bench.lambda,
      resource('AWS::Lambda::Permission', { Action: 'lambda:InvokeFunction', FunctionName, ...properties }),
    );
  }

  async function permitted(properties: Resource['properties'], sourceArn = `${API}/prod/$connect`, by = 'apigateway') {
    const { ref, attributes } = await deploy({});
    await permit(ref, { Principal: 'apigateway.amazonaws.com', ...properties });
    const source = { service: `${by}.amazonaws.com`, sourceArn };
    return (await bench.lambda.invoke(String(attributes['Arn']), {}, source)).kind;
  }

  test('without a permission, a service may not invoke', async () => {
    const { ref } = await deploy({});
    const source = { service: 'apigateway.amazonaws.com', sourceArn: `${API}/prod/$connect` };
    expect(await bench.lambda.invoke(ref, {}, source)).toEqual({ kind: 'denied' });
    expect(bench.log.map(({ message }) => message)).toContain(
      `apigateway.amazonaws.com may not invoke ${ref} for ${API}/prod/$connect: no AWS::Lambda::Permission allows it`,
    );
  });

  test('a function that does not exist cannot be invoked', async () => {
    const source = { service: 'apigateway.amazonaws.com', sourceArn: API };
    expect(await bench.lambda.invoke('nobody', {}, source)).toEqual({ kind: 'denied' });
  });

  test.each([
    ['no source', {}, 'ok'],
    ['the very source', { SourceArn: `${API}/prod/$connect` }, 'ok'],
    ['wildcards', { SourceArn: `${API}/*/*` }, 'ok'],
    ['a wildcard for the region', { SourceArn: `arn:aws:execute-api:*:000000000000:a1b2c3d4e?/*` }, 'ok'],
    ['another stage', { SourceArn: `${API}/dev/*` }, 'denied'],
    ['another API', { SourceArn: 'arn:aws:execute-api:us-east-1:000000000000:other/*' }, 'denied'],
    ['a wildcard that ends in the account', { SourceArn: 'arn:aws:execute-api:us-east-1:*' }, /./],
    ['the account', { SourceAccount: '000000000000' }, 'ok'],
    ['another account', { SourceAccount: '111111111111' }, 'denied'],
    ['another service', { Principal: 'events.amazonaws.com' }, 'denied'],
  ])('%s', async (name, properties, expected) => {
    if (name === 'a wildcard that ends in the account') {
      await expect(permitted(properties)).rejects.toThrow(/SourceArn/);
      return;
    }
    expect(await permitted(properties)).toBe(expected);
  });

  test('a principal that is no service is refused', async () => {
    const { ref } = await deploy({});
    await expect(permit(ref, { Principal: '123456789012' })).rejects.toThrow(/Principal/);
  });

  test('a permission may name the function by its ARN, and invoke() gives what the handler answered', async () => {
    const { ref, attributes } = await deploy({ Code: { ZipFile: 'exports.handler = async (event) => event.a;' } });
    await permit(String(attributes['Arn']), { Principal: 'events.amazonaws.com' });
    const source = { service: 'events.amazonaws.com', sourceArn: 'arn:aws:events:us-east-1:000000000000:rule/r' };
    expect(await bench.lambda.invoke(ref, { a: { b: 1 } }, source)).toEqual({ kind: 'ok', payload: { b: 1 } });
  });

  test('invoke() tells errors, timeouts and throttling apart', async () => {
    const source = { service: 'events.amazonaws.com', sourceArn: 'arn:aws:events:us-east-1:000000000000:rule/r' };
    const invoke = async (code: string, properties: Resource['properties'] = {}) => {
      const { ref } = await deploy({ Code: { ZipFile: code }, ...properties });
      await permit(ref, { Principal: 'events.amazonaws.com' });
      return bench.lambda.invoke(ref, {}, source);
    };
    expect(await invoke('exports.handler = async () => { throw new TypeError("no"); };')).toMatchObject({
      kind: 'error',
      errorType: 'TypeError',
      errorMessage: 'no',
      trace: expect.any(Array),
    });
    const hangs = 'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 60_000));';
    expect(await invoke(hangs, { Timeout: 1 })).toEqual({ kind: 'timeout' });
    expect(await invoke(hangs, { ReservedConcurrentExecutions: 0 })).toMatchObject({ kind: 'throttled' });
  });
});

test('close() removes the unpacked code', async () => {
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('local-lambda-'));
  const other = await startLambdaBench();
  const before = new Set(folders());
  const name = await other.deploy('exports.handler = async () => process.env.LAMBDA_TASK_ROOT;');
  const taskRoot = String((await other.invoke(name)).payload);
  expect(existsSync(taskRoot)).toBe(true);
  expect(before.has(path.basename(path.dirname(path.dirname(taskRoot))))).toBe(false);
  await other.close();
  expect(existsSync(path.dirname(path.dirname(taskRoot)))).toBe(false);
});
