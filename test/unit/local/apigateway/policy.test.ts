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
    ['a resource in another case', { Resource: ARN.replace('prod', 'Prod') }],
    ['a dot, which is no wildcard', { Resource: ARN.replace('prod', 'pr.d') }],
    ['another action', { Action: 'execute-api:InvalidateCache' }],
    ['a Deny', { Effect: 'Deny' }],
  ])('does not allow by %s', (_, difference) => {
    expect(evaluate({ ...statement, ...difference })).toBe('Deny');
  });

  test('a Deny wins, one elsewhere does not matter', () => {
    expect(evaluate(statement, { ...statement, Effect: 'Deny' })).toBe('Deny');
    expect(evaluate(statement, { ...statement, Effect: 'Deny', Resource: ARN.replace('prod', 'dev') })).toBe('Allow');
  });

  test('takes a single statement without a list', () => {
    expect(evaluatePolicy({ Statement: statement }, ARN)).toBe('Allow');
  });

  test.each<[string, unknown]>([
    ['policyDocument: expected a policy document, got "Allow"', 'Allow'],
    ['policyDocument: expected a policy document, got null', null],
    ['policyDocument, statement 1: expected an object', {}],
    [
      'policyDocument, statement 2: Effect must be Allow or Deny',
      { Statement: [statement, { ...statement, Effect: 'allow' }] },
    ],
    ['policyDocument, statement 1: "Principal" is not supported', { Statement: { ...statement, Principal: '*' } }],
    [
      'policyDocument: a Condition is not supported',
      { Statement: { ...statement, Condition: { StringEquals: { 'aws:PrincipalArn': 'x' } } } },
    ],
  ])('refuses: %s', (message, document) => {
    expect(() => evaluatePolicy(document, ARN)).toThrow(message);
  });
});
