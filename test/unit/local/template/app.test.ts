import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadApp } from '../../../../local/template/app.ts';
import { deployTemplates } from '../../../support/deploy-template.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'app-test-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(file: string, content: unknown): string {
  const path = join(directory, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const stack = (templateFile: string, dependencies: string[] = [], more: object = {}) => ({
  type: 'aws:cloudformation:stack',
  environment: 'aws://unknown-account/unknown-region',
  properties: { templateFile, ...more },
  dependencies,
});

describe('a cloud assembly', () => {
  test('gives its stacks, each after those it depends on', () => {
    for (const name of ['A', 'B', 'C']) write(`${name}.template.json`, { name });
    write('manifest.json', {
      artifacts: {
        A: stack('A.template.json', ['B', 'A.assets']),
        'A.assets': { type: 'cdk:asset-manifest', properties: { file: 'A.assets.json' } },
        B: stack('B.template.json', ['C']),
        C: stack('C.template.json', [], { stackName: 'own-name' }),
        Tree: { type: 'cdk:tree' },
      },
    });
    write('A.assets.json', {
      files: {
        abc: { source: { path: 'asset.abc', packaging: 'zip' }, destinations: { any: { objectKey: 'abc.zip' } } },
      },
    });
    const stacks = loadApp(directory);
    expect(stacks.map(({ name, document }) => [name, document])).toEqual([
      ['own-name', { name: 'C' }],
      ['B', { name: 'B' }],
      ['A', { name: 'A' }],
    ]);
    expect(stacks[0]).toMatchObject({ assetDirectory: directory, assets: new Map([['abc.zip', 'asset.abc']]) });
  });

  test('may hold others, as CDK stages do', () => {
    write('manifest.json', {
      artifacts: { 'assembly-Prod': { type: 'cdk:cloud-assembly', properties: { directoryName: 'assembly-Prod' } } },
    });
    write('assembly-Prod/manifest.json', {
      artifacts: { ProdApp: stack('App.template.json', [], { stackName: 'Prod-App' }) },
    });
    write('assembly-Prod/App.template.json', {});
    expect(loadApp(directory)).toEqual([
      { name: 'Prod-App', document: {}, assetDirectory: join(directory, 'assembly-Prod'), assets: new Map() },
    ]);
  });

  test('is accepted when it was made for the local account and region', () => {
    write('A.template.json', {});
    const local = { ...stack('A.template.json'), environment: 'aws://000000000000/us-east-1' };
    write('manifest.json', { artifacts: { A: local } });
    expect(loadApp(directory)).toHaveLength(1);
  });
});

describe('a template file', () => {
  test('is a stack named after it', () => {
    expect(loadApp(write('chat app.template.json', {}))).toMatchObject([
      { name: 'chat-app', assetDirectory: directory },
    ]);
  });

  test('is a stack named after its folder if it is called template.json', () => {
    write('chat/template.json', {});
    expect(loadApp(join(directory, 'chat'))).toMatchObject([{ name: 'chat', assetDirectory: join(directory, 'chat') }]);
  });
});

describe("the folder of a function's code", () => {
  const assets = new Map([['abc.zip', 'asset.abc']]);
  const Resources = { Thing: { Type: 'Test::Thing', Properties: { Code: { S3Bucket: 'assets', S3Key: 'abc.zip' } } } };
  const deploy = () => deployTemplates({ App: { Resources } }, {}, { assets, assetDirectory: directory });

  test("is found by its object key, without the metadata that only the CDK's CLI asks for", async () => {
    mkdirSync(join(directory, 'asset.abc'));
    const { created } = await deploy();
    expect(created[0]?.metadata).toEqual({ 'aws:asset:path': 'asset.abc', 'aws:asset:property': 'Code' });
  });

  test('may be missing', async () => {
    await expect(deploy()).rejects.toThrow(
      `stack App, resource Thing: its asset ${join(directory, 'asset.abc')} does not exist; synthesize the app again`,
    );
  });
});

describe('a nested stack', () => {
  const nested = {
    Parameters: { Names: { Type: 'CommaDelimitedList' }, Size: { Type: 'Number' } },
    Resources: { Inner: { Type: 'Test::Thing', Properties: { Value: [{ Ref: 'Names' }, { Ref: 'Size' }] } } },
    Outputs: { Url: { Value: { 'Fn::GetAtt': ['Inner', 'Arn'] } } },
  };
  const parent = (TemplateURL: unknown, Parameters: object = { Names: ['a', { Ref: 'Before' }], Size: 2 }) => ({
    Resources: {
      Outer: { Type: 'Test::Thing', Properties: { Value: { 'Fn::GetAtt': ['Nested', 'Outputs.Url'] } } },
      Nested: { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL, Parameters } },
      Before: { Type: 'Test::Thing' },
    },
  });

  test.each<[string, unknown]>([
    ['beside its parent', 'nested.json'],
    [
      'uploaded as an asset',
      { 'Fn::Join': ['', ['https://s3.us-east-1.', { Ref: 'AWS::URLSuffix' }, '/bucket/0123.json']] },
    ],
  ])('%s gets parameters and gives outputs', async (_, url) => {
    write('nested.json', nested);
    const more = { assetDirectory: directory, assets: new Map([['0123.json', 'nested.json']]) };
    const { created } = await deployTemplates({ App: parent(url) }, {}, more);
    expect(created.map(({ logicalId, properties }) => [logicalId, properties['Value']])).toEqual([
      ['Before', undefined],
      ['Inner', [['a', 'ref-Before'], 2]],
      ['Outer', 'arn-Inner'],
    ]);
    expect(created[1]?.stackName).toMatch(/^App-Nested-[0-9a-f]{8}$/);
  });

  test('names the mistake in it', async () => {
    write('nested.json', nested);
    await expect(
      deployTemplates({ App: parent('nested.json', { Size: 1 }) }, {}, { assetDirectory: directory }),
    ).rejects.toThrow(/^stack App-Nested-\w+, parameter Names: it has no default/);
    await expect(deployTemplates({ App: parent('gone.json') }, {}, { assetDirectory: directory })).rejects.toThrow(
      'gone.json: ENOENT',
    );
  });
});
