import { describe, expect, test } from 'vitest';
import { evaluatePolicy } from '../../../../local/apigateway/policy.ts';

const ARN = 'arn:aws:execute-api:us-east-1:000000000000:a1b2c3d4e5/prod/$connect';
const statement = { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' };
const evaluate = (...statements: unknown[]) => evaluatePolicy({ Version: '2012-10-17', Statement: statements }, ARN);

describe('evaluatePolicy', () => {
  test.each<[string, object]>([
    ['the ARN itself', { Resource: ARN }],
    ['one of several', { Resource: ['arn:aws:s3:::x', ARN] }],
    ['* for a part', { Resource: 'arn:aws:execute-api:*:*:a1b2c3d4e5/*/$connect' }],
    ['? for a character', { Resource: ARN.replace('prod', 'pr?d') }],
    ['execute-api:*', { Action: 'execute-api:*' }],
    ['*', { Action: '*' }],
    ['an action in another case', { Action: ['EXECUTE-API:invoke'] }],
  ])('allows by %s', (_, difference) => {
    expect(evaluate({ ...statement, ...difference })).toBe('Allow');
  });

  test.each<[string, object]>([
    ['another ARN', { Resource: ARN.replace('prod', 'dev') }],
    ['a prefix', { Resource: ARN.slice(0, -1) }],
    ['a resource in another case', { Resource: ARN.toUpperCase() }],
    ['a dot, which is no wildcard', { Resource: ARN.replace('prod', 'pr.d') }],
    ['another action', { Action: 'execute-api:InvalidateCache' }],
    ['a Deny', { Effect: 'Deny' }],
  ])('does not allow by %s', (_, difference) => {
    expect(evaluate({ ...statement, ...difference })).toBe('Deny');
  });

  test('a Deny wins, one elsewhere does not matter', () => {
    expect(evaluate(statement, { ...statement, Effect: 'Deny' })).toBe('Deny');
    expect(evaluate(statement, { ...statement, Effect: 'Deny', Resource: 'other' })).toBe('Allow');
  });

  test('takes a single statement without a list', () => {
    expect(evaluatePolicy({ Statement: statement }, ARN)).toBe('Allow');
  });

  test.each<[string, unknown]>([
    ['policyDocument is not an object', 'Allow'],
    ['policyDocument is not an object', null],
    ['policyDocument has no Statement', {}],
    ['policyDocument has no Statement', { Statement: [] }],
    ['a Statement of policyDocument is not an object', { Statement: ['Allow'] }],
    ['an Effect of policyDocument is neither Allow nor Deny', { Statement: [{ ...statement, Effect: 'allow' }] }],
    [
      'a Resource of policyDocument is neither a string nor a list of strings',
      { Statement: { ...statement, Resource: [] } },
    ],
    [
      'a Action of policyDocument is neither a string nor a list of strings',
      { Statement: { ...statement, Action: [1] } },
    ],
    ['NotAction in policyDocument is not supported', { Statement: { ...statement, NotAction: 'x' } }],
    ['Condition in policyDocument is not supported', { Statement: { ...statement, Condition: {} } }],
  ])('refuses: %s', (message, document) => {
    expect(() => evaluatePolicy(document, ARN)).toThrow(message);
  });
});
