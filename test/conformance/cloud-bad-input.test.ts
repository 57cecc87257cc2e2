// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the variables of Fn::Sub
/** What a user gets wrong is said in one clear sentence that names the culprit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type DeployError, startLocalCloud } from '../../local/index.ts';
import { alteredFixture, type Resources, startFixture } from '../support/local-cloud.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with one file. */
function folderWith(file: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bad-input-'));
  folders.push(folder);
  writeFileSync(join(folder, file), content);
  return folder;
}

/** Starts the chat with a change to its template, and gives what is wrong with it, without the stack's random name. */
async function problemsWith(alter: (resources: Resources) => void): Promise<readonly string[]> {
  const { app } = alteredFixture('scan-chat', alter);
  folders.push(app);
  const error = await startLocalCloud({ app, port: 0 }).then(
    (cloud) => cloud.close().then(() => undefined),
    (thrown: DeployError) => thrown,
  );
  const name = app.slice(app.lastIndexOf('/') + 1);
  return (
    error?.problems.map((problem) => problem.replaceAll(name, 'chat').replaceAll(app.slice(0, -name.length), '')) ?? []
  );
}

type Alteration = (resources: Resources) => void;

/** Sets properties of a resource. */
const set =
  (logicalId: string, properties: Readonly<Record<string, unknown>>): Alteration =>
  (resources) =>
    Object.assign(resources[logicalId]?.Properties ?? {}, properties);

const add =
  (logicalId: string, Type: string, Properties: Record<string, unknown> = {}): Alteration =>
  (resources) => {
    resources[logicalId] = { Type, Properties };
  };

describe('a template with', () => {
  test.each<[string, Alteration, readonly string[]]>([
    [
      'an unknown intrinsic function',
      set('Connect', { MemorySize: { 'Fn::Max': [1, 2] } }),
      ['stack chat, resource Connect, Properties.MemorySize.Fn::Max: unknown intrinsic function "Fn::Max"'],
    ],
    [
      'a reference to nothing, in the middle of a text',
      set('Send', { Environment: { Variables: { URL: { 'Fn::Sub': 'https://${Appi}/x' } } } }),
      [
        'stack chat, resource Send, Properties.Environment.Variables.URL.Fn::Sub: Ref to "Appi", which is neither a parameter nor a resource of this stack',
      ],
    ],
    [
      'a cyclic reference',
      set('Connections', { TableName: { 'Fn::Sub': '${ConnectRole}-table' } }),
      ['stack chat, resource Connections: it depends on itself: Connections → ConnectRole → Connections'],
    ],
    [
      'a missing asset',
      set('Connect', { Code: './nowhere' }),
      [
        "stack chat, resource Connect (AWS::Lambda::Function): Code: expected a folder or a zip file with the function's code at chat/nowhere, but there is none",
      ],
    ],
    [
      'a handler that does not exist',
      set('Connect', { Handler: 'conect.handler' }),
      [
        'stack chat, resource Connect (AWS::Lambda::Function): Handler: "conect.handler" names the file conect.js (or .mjs, .cjs), which chat/handlers lacks',
      ],
    ],
    [
      'a resource type that does not run here',
      add('Files', 'AWS::S3::Bucket'),
      ['stack chat, resource Files: the local cloud does not support the resource type AWS::S3::Bucket'],
    ],
    [
      'a property that does nothing here',
      set('Connect', { VpcConfig: { SubnetIds: [] } }),
      [
        'stack chat, resource Connect: the local cloud does not support the property VpcConfig of AWS::Lambda::Function',
      ],
    ],
    [
      'a runtime that does not run here',
      set('Connect', { Runtime: 'python3.13' }),
      [
        expect.stringMatching(
          /^stack chat, resource Connect \(AWS::Lambda::Function\): Runtime: expected .*"nodejs24.x".*, got "python3.13"$/,
        ),
      ],
    ],
    [
      'an integration type that does not run here',
      set('ConnectIntegration', { IntegrationType: 'MOCK' }),
      [
        expect.stringMatching(
          /^stack chat, resource ConnectIntegration \(AWS::ApiGatewayV2::Integration\): IntegrationType.*MOCK/,
        ),
      ],
    ],
    [
      'a condition that cannot be evaluated',
      set('SendRole', {
        Policies: [
          {
            PolicyName: 'own',
            PolicyDocument: {
              Statement: [
                {
                  Effect: 'Allow',
                  Action: 'dynamodb:Scan',
                  Resource: '*',
                  Condition: { DateLessThan: { 'aws:CurrentTime': '2030' } },
                },
              ],
            },
          },
        ],
      }),
      [
        'stack chat, resource SendRole (AWS::IAM::Role): policy own, statement 1: the condition key aws:CurrentTime is not supported',
      ],
    ],
    [
      'several problems',
      (resources) => {
        add('Files', 'AWS::S3::Bucket')(resources);
        set('Connect', { Handler: { Ref: 'Nothing' } })(resources);
      },
      [
        'stack chat, resource Connect, Properties.Handler.Ref: Ref to "Nothing", which is neither a parameter nor a resource of this stack',
        'stack chat, resource Files: the local cloud does not support the resource type AWS::S3::Bucket',
      ],
    ],
  ])('%s', async (_, alter, problems) => {
    expect(await problemsWith(alter)).toEqual(problems);
  });
});

describe('an app', () => {
  test.each<[string, () => string, string]>([
    [
      'that does not exist',
      () => '/nowhere/cdk.out',
      'the app /nowhere/cdk.out does not exist; run "cdk synth" first, or name a template file',
    ],
    [
      'without a template',
      () => folderWith('readme.txt', ''),
      'has neither a manifest.json (as cdk.out has) nor a template.json',
    ],
    ['that is not JSON', () => folderWith('template.json', '{"Resources": '), 'template.json is not valid JSON: '],
    [
      'in YAML',
      () => join(folderWith('app.yaml', 'Resources: {}'), 'app.yaml'),
      'Templates must be JSON: convert YAML first.',
    ],
    [
      'whose manifest is not one',
      () => folderWith('manifest.json', '[]'),
      'manifest.json: expected an object with "artifacts"',
    ],
    [
      'whose manifest names a template that is missing',
      () =>
        folderWith(
          'manifest.json',
          '{"artifacts": {"App": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "App.template.json"}}}}',
        ),
      'App.template.json: ENOENT',
    ],
    [
      'that was synthesized for another region',
      () =>
        folderWith(
          'manifest.json',
          '{"artifacts": {"App": {"type": "aws:cloudformation:stack", "environment": "aws://123456789012/eu-west-1"}}}',
        ),
      'stack App was synthesized for aws://123456789012/eu-west-1, and the local cloud is aws://000000000000/us-east-1',
    ],
    [
      'made with SAM',
      () => folderWith('template.json', '{"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}'),
      'the template section "Transform" is not supported',
    ],
  ])('%s', async (_, app, message) => {
    await expect(startLocalCloud({ app: app(), port: 0 })).rejects.toThrow(message);
  });
});

describe('a fault plan', () => {
  test('that is wrong', async () => {
    const faults = { seed: 1, rules: [{ point: 'dynamodb', kind: 'explode' }] };
    await expect(startFixture('scan-chat', { faults })).rejects.toThrow(
      /^The fault plan is wrong at rules\.0\.kind: expected .*, got "explode"\.$/,
    );
  });
});
