import { describe, expect, test } from 'vitest';
import { resolveValue } from '../../../support/deploy-template.ts';

const resolve = (declaration: unknown, given?: string) =>
  resolveValue({ Ref: 'Asked' }, { Parameters: { Asked: declaration } }, given === undefined ? {} : { Asked: given });

describe('a parameter', () => {
  test('takes the given value before its default', async () => {
    expect(await resolve({ Type: 'String', Default: 'a' }, 'b')).toBe('b');
    expect(await resolve({ Type: 'String', Default: 'a' })).toBe('a');
  });

  test('can be given for one stack', async () => {
    const declaration = { Parameters: { Asked: { Type: 'String' } } };
    expect(await resolveValue({ Ref: 'Asked' }, declaration, { 'App.Asked': 'own' })).toBe('own');
  });

  test.each<[string, string, unknown]>([
    ['AWS::EC2::VPC::Id', 'vpc-1', 'vpc-1'],
    ['List<AWS::EC2::Subnet::Id>', 'a, b', ['a', 'b']],
    ['AWS::SSM::Parameter::Name', '/key', '/key'],
    ['AWS::SSM::Parameter::Value<String>', '/key', 'from the store'],
    ['AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', '/key', 'from the store'],
    ['AWS::SSM::Parameter::Value<List<String>>', '/key', ['from the store']],
  ])('can be one of AWS: %s', async (Type, Default, value) => {
    expect(await resolve({ Type, Default })).toEqual(value);
  });

  test('in the parameter store can be given', async () => {
    expect(await resolve({ Type: 'AWS::SSM::Parameter::Value<String>', Default: '/nowhere' }, 'given')).toBe('given');
  });

  test('may be empty text', async () => {
    expect(await resolve({ Type: 'String', Default: '' })).toBe('');
  });

  test.each<[string, unknown, string | undefined, string]>([
    ['without a value', { Type: 'String' }, undefined, 'it has no default: set its value (--parameter Name=Value)'],
    [
      'of an unknown type',
      { Type: 'Boolean' },
      'x',
      'the type "Boolean" is not supported; use String, Number, CommaDelimitedList, List<Number>, one of AWS (AWS::EC2::VPC::Id)',
    ],
    [
      'that nobody has put into the parameter store',
      { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/nowhere' },
      undefined,
      'stack App, parameter Asked: no earlier stack puts /nowhere into the parameter store; set its value (--parameter Asked=VALUE)',
    ],
    ['that is not a number', { Type: 'Number' }, 'many', '"many" is not a Number'],
    ['that is not a list of numbers', { Type: 'List<Number>' }, '1,x', '"1,x" is not a List<Number>'],
    [
      'that is not allowed',
      { Type: 'String', AllowedValues: ['a', 'b'] },
      'c',
      '"c" is not one of the allowed values (AllowedValues: ["a","b"])',
    ],
    [
      'with an item that is not allowed',
      { Type: 'CommaDelimitedList', AllowedValues: ['a'] },
      'a,c',
      '"a,c" is not one of the allowed values',
    ],
    [
      'that does not match',
      { Type: 'String', AllowedPattern: 'https?://.+' },
      'ftp://x',
      '"ftp://x" does not match the allowed pattern (AllowedPattern: "https?://.+")',
    ],
    [
      'that matches in part only',
      { Type: 'String', AllowedPattern: 'a|b' },
      'ab',
      'does not match the allowed pattern',
    ],
    [
      'with an item that does not match',
      { Type: 'CommaDelimitedList', AllowedPattern: 'a|b' },
      'a, c',
      '"a, c" does not match the allowed pattern (AllowedPattern: "a|b")',
    ],
    [
      'of which the template says what is expected',
      { Type: 'String', AllowedPattern: 'a|b', ConstraintDescription: 'one of the first two letters' },
      'c',
      '"c" does not match the allowed pattern; expected one of the first two letters',
    ],
    ['that is too short', { Type: 'String', MinLength: 2 }, 'x', '"x" is too short (MinLength: 2)'],
    ['that is too long', { Type: 'String', MaxLength: '2' }, 'xyz', '"xyz" is too long (MaxLength: "2")'],
    ['that is too small', { Type: 'Number', MinValue: 2 }, '1', '"1" is too small (MinValue: 2)'],
    ['that is too large', { Type: 'Number', MaxValue: 2 }, '3', '"3" is too large (MaxValue: 2)'],
  ])('%s is refused', async (_, declaration, given, problem) => {
    await expect(resolve(declaration, given)).rejects.toThrow(problem);
  });

  test('that no stack declares is refused by name', async () => {
    await expect(resolveValue(1, {}, { Isuer: 'x' })).rejects.toThrow(
      'no stack has the parameter "Isuer", which has a value',
    );
  });

  test("of the CDK's bootstrap, and the rule about it, are passed over", async () => {
    const Parameters = {
      BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk-bootstrap/hnb659fds/version' },
    };
    const Rules = { CheckBootstrapVersion: { Assertions: [] } };
    expect(await resolveValue('value', { Parameters, Rules })).toBe('value');
  });
});
