// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the variables of Fn::Sub

import { describe, expect, test } from 'vitest';
import { resolveValue } from '../../../support/deploy-template.ts';

const sections = {
  Parameters: {
    Stage: { Type: 'String', Default: 'prod' },
    Origins: { Type: 'CommaDelimitedList', Default: 'a, b,c' },
    Sizes: { Type: 'List<Number>', Default: '1,2' },
    Count: { Type: 'Number', Default: 3 },
  },
  Mappings: { Regions: { 'us-east-1': { name: 'Virginia', zones: ['a', 'b'] } } },
  Conditions: {
    IsProd: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] },
    IsTest: { 'Fn::Not': [{ Condition: 'IsProd' }] },
  },
};

const resolve = (value: unknown) => resolveValue(value, sections);

describe('an intrinsic function resolves', () => {
  test.each<[string, unknown, unknown]>([
    ['Ref to a parameter', { Ref: 'Stage' }, 'prod'],
    ['Ref to a number', { Ref: 'Count' }, 3],
    ['Ref to a list of texts', { Ref: 'Origins' }, ['a', 'b', 'c']],
    ['Ref to a list of numbers', { Ref: 'Sizes' }, [1, 2]],
    ['Ref to a resource', { Ref: 'Other' }, 'ref-Other'],
    ['Ref to the account', { Ref: 'AWS::AccountId' }, '000000000000'],
    ['Ref to the region', { Ref: 'AWS::Region' }, 'us-east-1'],
    ['Ref to the partition', { Ref: 'AWS::Partition' }, 'aws'],
    ['Ref to the URL suffix', { Ref: 'AWS::URLSuffix' }, 'amazonaws.com'],
    ['Ref to the stack name', { Ref: 'AWS::StackName' }, 'App'],
    [
      'Ref to the stack id',
      { Ref: 'AWS::StackId' },
      expect.stringMatching(/^arn:aws:cloudformation:us-east-1:0{12}:stack\/App\//),
    ],
    ['Fn::GetAtt of a list', { 'Fn::GetAtt': ['Other', 'Arn'] }, 'arn-Other'],
    ['Fn::GetAtt of a text', { 'Fn::GetAtt': 'Other.Arn' }, 'arn-Other'],
    ['Fn::Join', { 'Fn::Join': ['-', ['a', { Ref: 'Stage' }, 1, true]] }, 'a-prod-1-true'],
    ['Fn::Join of a list parameter', { 'Fn::Join': ['|', { Ref: 'Origins' }] }, 'a|b|c'],
    ['Fn::Join without what AWS::NoValue takes out', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::NoValue' }, 'b']] }, 'a-b'],
    ['Fn::Sub', { 'Fn::Sub': '${Stage}:${Other}:${Other.Arn}:${AWS::Region}' }, 'prod:ref-Other:arn-Other:us-east-1'],
    ['Fn::Sub with a literal', { 'Fn::Sub': '${!aws:PrincipalArn} of ${Stage}' }, '${aws:PrincipalArn} of prod'],
    ['Fn::Sub without variables', { 'Fn::Sub': 'cost: 5$ {}' }, 'cost: 5$ {}'],
    [
      'Fn::Sub with its own variables',
      { 'Fn::Sub': ['${Name}/${Stage}/${Deep}', { Name: 'n', Deep: { 'Fn::GetAtt': ['Other', 'Arn'] } }] },
      'n/prod/arn-Other',
    ],
    ['Fn::Sub whose own variable hides a parameter', { 'Fn::Sub': ['${Stage}', { Stage: 'own' }] }, 'own'],
    ['Fn::Select', { 'Fn::Select': [1, ['a', 'b']] }, 'b'],
    ['Fn::Select with its index as text', { 'Fn::Select': ['0', { Ref: 'Origins' }] }, 'a'],
    ['Fn::Split', { 'Fn::Split': ['/', 'a/b/c'] }, ['a', 'b', 'c']],
    ['Fn::Select of Fn::Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'Other' }] }] }, 'Other'],
    ['Fn::If that holds', { 'Fn::If': ['IsProd', 'yes', 'no'] }, 'yes'],
    ['Fn::If that does not hold', { 'Fn::If': ['IsTest', 'yes', 'no'] }, 'no'],
    ['Fn::If that takes a list item away', ['a', { 'Fn::If': ['IsTest', 'b', { Ref: 'AWS::NoValue' }] }], ['a']],
    ['Fn::If that takes a key away', { a: 1, b: { 'Fn::If': ['IsTest', 2, { Ref: 'AWS::NoValue' }] } }, { a: 1 }],
    ['Fn::If around what does not exist', { 'Fn::If': ['IsProd', 'fine', { Ref: 'Nothing' }] }, 'fine'],
    ['Fn::FindInMap', { 'Fn::FindInMap': ['Regions', { Ref: 'AWS::Region' }, 'name'] }, 'Virginia'],
    ['Fn::FindInMap of a list', { 'Fn::FindInMap': ['Regions', 'us-east-1', 'zones'] }, ['a', 'b']],
    ['Fn::Base64', { 'Fn::Base64': { 'Fn::Sub': 'stage ${Stage}' } }, Buffer.from('stage prod').toString('base64')],
    ['a key named Condition outside of Conditions', { Condition: 'IsProd' }, { Condition: 'IsProd' }],
    ['a dynamic reference', { a: [{ 'Fn::Join': ['', ['{{resolve:ssm', ':/key}}']] }] }, { a: ['from the store'] }],
    ['plain values', { a: [1, true, null, 'x'] }, { a: [1, true, null, 'x'] }],
  ])('%s', async (_, value, expected) => {
    expect(await resolve(value)).toEqual(expected);
  });
});

describe('a condition resolves', () => {
  const holds = async (condition: unknown) =>
    resolveValue(
      { 'Fn::If': ['Asked', true, false] },
      { ...sections, Conditions: { ...sections.Conditions, Asked: condition } },
    );
  const yes = { 'Fn::Equals': ['a', 'a'] };
  const no = { 'Fn::Equals': ['a', 'b'] };

  test.each<[string, unknown, boolean]>([
    ['Fn::Equals', { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] }, true],
    ['Fn::Equals of a number and its text', { 'Fn::Equals': [{ Ref: 'Count' }, '3'] }, true],
    [
      'Fn::Equals of a mapping',
      { 'Fn::Equals': [{ 'Fn::FindInMap': ['Regions', 'us-east-1', 'name'] }, 'Oregon'] },
      false,
    ],
    ['Fn::And', { 'Fn::And': [yes, yes] }, true],
    ['Fn::And with one that does not hold', { 'Fn::And': [yes, no] }, false],
    ['Fn::Or', { 'Fn::Or': [no, yes] }, true],
    ['Fn::Or with none that holds', { 'Fn::Or': [no, no] }, false],
    ['Fn::Not', { 'Fn::Not': [no] }, true],
    ['Condition', { 'Fn::And': [{ Condition: 'IsProd' }, { 'Fn::Not': [{ Condition: 'IsTest' }] }] }, true],
    ['Condition alone', { Condition: 'IsTest' }, false],
  ])('%s', async (_, condition, expected) => {
    expect(await holds(condition)).toBe(expected);
  });
});

describe('an error about a value is one sentence', () => {
  const asked = (path: string, problem: string) => `stack App, resource Asked, Properties.Value.${path}: ${problem}`;

  test.each<[unknown, string]>([
    [{ 'Fn::Cidr': ['10.0.0.0/16', 1, 8] }, asked('Fn::Cidr', 'unknown intrinsic function "Fn::Cidr"')],
    [{ 'Fn::Equals': ['a', 'b'] }, asked('Fn::Equals', 'Fn::Equals can be used in "Conditions" only')],
    [{ Ref: 'Nothing' }, asked('Ref', 'Ref to "Nothing", which is neither a parameter nor a resource of this stack')],
    [{ Ref: 5 }, asked('Ref', 'expected the name of a parameter or resource')],
    [
      { 'Fn::GetAtt': ['Nothing', 'Arn'] },
      asked('Fn::GetAtt', 'Fn::GetAtt of "Nothing.Arn", but this stack has no resource "Nothing"'),
    ],
    [{ 'Fn::GetAtt': ['Other'] }, asked('Fn::GetAtt', 'expected ["LogicalId", "Attribute"] or "LogicalId.Attribute"')],
    [{ 'Fn::GetAtt': 'Other.Url' }, asked('Fn::GetAtt', 'Other has no attribute "Url" here; it has Arn')],
    [
      { 'Fn::Sub': '${Nothing}' },
      asked('Fn::Sub', 'Ref to "Nothing", which is neither a parameter nor a resource of this stack'),
    ],
    [{ 'Fn::Sub': ['a'] }, asked('Fn::Sub', 'expected "text" or ["text", {"Variable": value}]')],
    [{ 'Fn::Join': ['-'] }, asked('Fn::Join', 'expected ["delimiter", [values]]')],
    [{ 'Fn::Join': ['-', 'a'] }, asked('Fn::Join', 'expected a list, got "a"')],
    [{ 'Fn::Join': ['-', [{ a: 1 }]] }, asked('Fn::Join', 'expected text, got {"a":1}')],
    [{ 'Fn::Select': [2, ['a', 'b']] }, asked('Fn::Select', 'there is no item 2 in a list of 2')],
    [{ 'Fn::Select': ['x', ['a']] }, asked('Fn::Select', 'expected a whole number, got "x"')],
    [{ 'Fn::Split': ['-', ['a']] }, asked('Fn::Split', 'expected text, got ["a"]')],
    [{ 'Fn::If': ['Nothing', 1, 2] }, asked('Fn::If', 'there is no condition "Nothing" in this stack')],
    [{ 'Fn::If': ['IsProd', 1] }, asked('Fn::If', 'expected ["Condition", valueIfTrue, valueIfFalse]')],
    [
      { 'Fn::FindInMap': ['Regions', 'mars', 'name'] },
      asked('Fn::FindInMap', 'the mappings have no Regions > mars > name'),
    ],
    [{ 'Fn::ImportValue': 'nothing' }, asked('Fn::ImportValue', 'no stack before this one exports "nothing"')],
    [
      { 'Fn::Join': ['', []], more: 1 },
      asked('Fn::Join', 'an intrinsic function must be the only key of its object, got Fn::Join, more'),
    ],
  ])('%j', async (value, sentence) => {
    await expect(resolve(value)).rejects.toThrow(expect.objectContaining({ message: sentence }));
  });

  test.each<[string, unknown, string]>([
    [
      'a resource in a condition',
      { 'Fn::Equals': [{ Ref: 'Other' }, 'a'] },
      'Fn::Equals[0].Ref: Ref to "Other": a condition can use the parameters of its stack only',
    ],
    [
      'a condition that depends on itself',
      { 'Fn::Not': [{ Condition: 'Asked' }] },
      'Fn::Not[0].Condition: the condition Asked depends on itself',
    ],
    ['no condition at all', 'yes', 'condition Asked: expected Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition'],
    ['Fn::And of one', { 'Fn::And': [{ Condition: 'IsProd' }] }, 'expected a list of 2 to 10 conditions'],
  ])('%s', async (_, condition, sentence) => {
    const Conditions = { ...sections.Conditions, Asked: condition };
    await expect(resolveValue(1, { ...sections, Conditions })).rejects.toThrow(sentence);
  });
});
