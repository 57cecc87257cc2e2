// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the variables of Fn::Sub

import { describe, expect, test } from 'vitest';
import { DeployError } from '../../../../local/template/problems.ts';
import { deployTemplates } from '../../../support/deploy-template.ts';

const thing = (properties: object = {}, more: object = {}) => ({
  Type: 'Test::Thing',
  Properties: properties,
  ...more,
});

const problemsOf = async (documents: Record<string, unknown>, parameters = {}) => {
  const error = await deployTemplates(documents, parameters).catch((thrown: unknown) => thrown);
  return error instanceof DeployError ? error.problems : error;
};

describe('resources', () => {
  test('are created after those they refer to and those they depend on', async () => {
    const Resources = {
      Last: thing({ Value: { 'Fn::Sub': '${Middle.Arn}' } }),
      Middle: thing({ Value: [{ deep: { Ref: 'First' } }] }, { DependsOn: ['Second'] }),
      Second: thing({}, { DependsOn: 'First' }),
      First: thing(),
    };
    const { created } = await deployTemplates({ App: { Resources } });
    expect(created.map(({ logicalId }) => logicalId)).toEqual(['First', 'Second', 'Middle', 'Last']);
  });

  test('have a physical name that is readable, unique and the same the next time', async () => {
    const LogicalId = 'A'.repeat(80);
    const Resources = { Table: thing(), [LogicalId]: thing() };
    const [first, second] = [
      await deployTemplates({ App: { Resources } }),
      await deployTemplates({ App: { Resources } }),
    ];
    const [name = '', long = ''] = first.created.map(({ physicalName }) => physicalName);
    expect(name).toMatch(/^App-Table-[0-9a-f]{8}$/);
    expect(long).toHaveLength(64);
    expect(second.created.map(({ physicalName }) => physicalName)).toEqual([name, long]);
    const other = await deployTemplates({ Other: { Resources } });
    expect(other.created[0]?.physicalName).not.toBe(name);
  });

  test('whose condition does not hold are not created', async () => {
    const Conditions = { Never: { 'Fn::Equals': ['a', 'b'] } };
    const Resources = { Gone: thing({}, { Condition: 'Never' }), Kept: thing({}, { DependsOn: 'Gone' }) };
    const Outputs = { Gone: { Value: { Ref: 'Gone' }, Condition: 'Never' }, Kept: { Value: { Ref: 'Kept' } } };
    const { created, outputs } = await deployTemplates({ App: { Conditions, Resources, Outputs } });
    expect(created.map(({ logicalId }) => logicalId)).toEqual(['Kept']);
    expect(outputs).toEqual({ App: { Kept: 'ref-Kept' } });
  });

  test('of inert types have a Ref and the attributes that others ask for', async () => {
    const Resources = {
      Logs: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 7 } },
      Key: { Type: 'AWS::KMS::Key' },
      Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmName: 'late' } },
      Meta: { Type: 'AWS::CDK::Metadata', Properties: { Analytics: 'v2' } },
    };
    const Outputs = {
      Group: { Value: { Ref: 'Logs' } },
      GroupArn: { Value: { 'Fn::GetAtt': ['Logs', 'Arn'] } },
      KeyArn: { Value: { 'Fn::GetAtt': ['Key', 'Arn'] } },
      AlarmArn: { Value: { 'Fn::GetAtt': ['Alarm', 'Arn'] } },
    };
    const { outputs } = await deployTemplates({ App: { Resources, Outputs } });
    expect(outputs['App']).toEqual({
      Group: expect.stringMatching(/^App-Logs-/),
      GroupArn: expect.stringMatching(/^arn:aws:logs:us-east-1:000000000000:log-group:App-Logs-[0-9a-f]{8}:\*$/),
      KeyArn: expect.stringMatching(/^arn:aws:kms:us-east-1:000000000000:key\/[0-9a-f-]{36}$/),
      AlarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:late',
    });
  });
});

describe('stacks', () => {
  const exporting = {
    Resources: { Table: thing() },
    Outputs: {
      Name: { Value: { 'Fn::GetAtt': ['Table', 'Arn'] }, Export: { Name: { 'Fn::Sub': '${AWS::StackName}-table' } } },
    },
  };

  test('import what others export', async () => {
    const importing = { Resources: { User: thing({ Value: { 'Fn::ImportValue': { 'Fn::Sub': 'Data-table' } } }) } };
    const { created } = await deployTemplates({ Data: exporting, App: importing });
    expect(created.at(-1)?.properties['Value']).toBe('arn-Table');
  });

  test('do not share names', async () => {
    const Parameters = { Size: { Type: 'Number' } };
    const stack = { Parameters, Resources: { Table: thing({ Value: { Ref: 'Size' } }) } };
    const { created } = await deployTemplates({ One: stack, Two: stack }, { Size: '1', 'Two.Size': '2' });
    expect(created.map(({ stackName, properties }) => [stackName, properties['Value']])).toEqual([
      ['One', 1],
      ['Two', 2],
    ]);
  });
});

describe('what keeps an app from being deployed', () => {
  test('is reported together, before anything is created', async () => {
    const Resources = {
      Bucket: { Type: 'AWS::S3::Bucket' },
      Table: thing({ Value: { Ref: 'Nothing' }, Size: 5, Tags: [] }),
      Late: thing({}, { DependsOn: 'Nowhere' }),
    };
    expect(await problemsOf({ App: { Resources }, Other: { Resources: { A: { Properties: {} } } } })).toEqual([
      'stack Other, resource A: it has no "Type"',
      'stack App, resource Bucket: the local cloud does not support the resource type AWS::S3::Bucket',
      'stack App, resource Table: the local cloud does not support the property Size of Test::Thing',
    ]);
    expect(await problemsOf({ App: { Resources }, Other: { Resources: { A: thing({ Wrong: 1 }) } } })).toEqual([
      'stack App, resource Bucket: the local cloud does not support the resource type AWS::S3::Bucket',
      'stack App, resource Table, Properties.Value.Ref: Ref to "Nothing", which is neither a parameter nor a resource of this stack',
      'stack App, resource Table: the local cloud does not support the property Size of Test::Thing',
      'stack App, resource Late, DependsOn: this stack has no resource "Nowhere"',
      'stack Other, resource A: the local cloud does not support the property Wrong of Test::Thing',
    ]);
  });

  test('that shows only when a resource is created is reported for all of them', async () => {
    const Resources = {
      First: thing({ Name: 'broken' }),
      Second: thing({ Value: { 'Fn::GetAtt': ['Fine', 'Url'] } }),
      Third: thing({ Value: { Ref: 'First' } }),
      Fine: thing(),
    };
    expect(await problemsOf({ App: { Resources } })).toEqual([
      'stack App, resource First (Test::Thing): Name: "broken" is not supported',
      'stack App, resource Second, Properties.Value.Fn::GetAtt: Fine has no attribute "Url" here; it has Arn',
    ]);
  });

  test('is reported in one round, whatever it is that shows first', async () => {
    const Resources = {
      Bucket: { Type: 'AWS::S3::Bucket' },
      Broken: thing({ Name: 'broken', Value: { Ref: 'Bucket' } }),
      Sized: thing({ Size: 5 }),
    };
    const Other = { Resources: { Broken: thing({ Name: 'broken', Value: { 'Fn::ImportValue': 'name' } }) } };
    const Outputs = { Name: { Value: { Ref: 'Bucket' }, Export: { Name: 'name' } } };
    expect(await problemsOf({ App: { Resources, Outputs }, Other })).toEqual([
      'stack App, resource Bucket: the local cloud does not support the resource type AWS::S3::Bucket',
      'stack App, resource Sized: the local cloud does not support the property Size of Test::Thing',
      'stack App, resource Broken (Test::Thing): Name: "broken" is not supported',
      'stack Other, resource Broken (Test::Thing): Name: "broken" is not supported',
    ]);
    const Parameters = { Needed: { Type: 'String' } };
    expect(await problemsOf({ App: { Parameters, Resources } })).toEqual([
      'stack App, parameter Needed: it has no default: set its value (--parameter Name=Value)',
      'stack App, resource Bucket: the local cloud does not support the resource type AWS::S3::Bucket',
      'stack App, resource Sized: the local cloud does not support the property Size of Test::Thing',
    ]);
  });

  test('says whether it can be left out', async () => {
    const canLeaveOut = async (document: unknown) => {
      const error = await deployTemplates({ App: document }).catch((thrown: unknown) => thrown);
      return error instanceof DeployError && error.canLeaveOut;
    };
    expect(await canLeaveOut({ Resources: { Bucket: { Type: 'AWS::S3::Bucket' } } })).toBe(true);
    expect(await canLeaveOut({ Resources: { Late: thing({}, { DependsOn: 'Nowhere' }) } })).toBe(false);
  });

  test('can be a cycle', async () => {
    const Resources = {
      A: thing({ Value: { Ref: 'B' } }),
      B: thing({ Value: { Ref: 'C' } }),
      C: thing({}, { DependsOn: 'A' }),
    };
    expect(await problemsOf({ App: { Resources } })).toEqual([
      'stack App, resource A: it depends on itself: A → B → C → A',
    ]);
  });

  test('can be a missing asset', async () => {
    const Resources = { Handler: thing({}, { Metadata: { 'aws:asset:path': 'asset.1234' } }) };
    expect(await problemsOf({ App: { Resources } })).toEqual([
      'stack App, resource Handler: its asset /nowhere/asset.1234 does not exist; synthesize the app again',
    ]);
  });

  test('can be a resource whose condition does not hold', async () => {
    const Conditions = { Never: { 'Fn::Equals': ['a', 'b'] } };
    const Resources = { Gone: thing({}, { Condition: 'Never' }), User: thing({ Value: { Ref: 'Gone' } }) };
    expect(await problemsOf({ App: { Conditions, Resources } })).toEqual([
      'stack App, resource User, Properties.Value.Ref: resource Gone does not exist: its condition Never does not hold',
    ]);
  });

  test.each<[string, unknown, string]>([
    ['a template that is no object', [], 'stack App: expected an object, got []'],
    ['a template without resources', {}, 'stack App: the template has no "Resources"'],
    [
      'an unknown section',
      { Resources: {}, Transform: 'AWS::Serverless-2016-10-31' },
      'stack App: the template section "Transform" is not supported',
    ],
    ['a rule', { Resources: {}, Rules: { Own: {} } }, 'stack App, rule Own: rules are not supported'],
    [
      'an unknown attribute',
      { Resources: { A: { Type: 'Test::Thing', CreationPolicy: {} } } },
      'stack App, resource A: the resource attribute "CreationPolicy" is not supported',
    ],
    [
      'properties that are a list',
      { Resources: { A: { Type: 'Test::Thing', Properties: [] } } },
      'stack App, resource A, Properties: expected an object, got []',
    ],
    [
      'an unknown condition',
      { Resources: { A: thing({}, { Condition: 'Is' }) } },
      'stack App, resource A, Condition: there is no condition "Is" in this stack',
    ],
    [
      'an output of nothing',
      { Resources: {}, Outputs: { Url: { Value: { Ref: 'Api' } } } },
      'stack App, output Url, Value.Ref: Ref to "Api", which is neither a parameter nor a resource of this stack',
    ],
    [
      'an output that is no text',
      { Resources: {}, Outputs: { Url: { Value: ['a'] } } },
      'stack App, output Url: expected text, got ["a"]',
    ],
  ])('can be %s', async (_, document, sentence) => {
    expect(await problemsOf({ App: document })).toContain(sentence);
  });
});
