import { expect, test } from 'vitest';
import { unsupportedParameters } from '../../../../../local/dynamodb/builtin/actions.ts';

test.each([
  ['GetItem', { TableName: 'T', Key: {} }, undefined],
  ['PutItem', { TableName: 'T', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }, undefined],
  [
    'GetItem',
    { TableName: 'T', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
    'ReturnValuesOnConditionCheckFailure',
  ],
  ['GetItem', { constructor: 1, toString: 1 }, 'constructor, toString'],
  ['constructor', { toString: 1 }, 'toString'],
])('%s with %j lacks %s', (operation, input, lacking) => {
  const expected = lacking && `Not supported locally by ${operation}: ${lacking}.`;
  expect(unsupportedParameters(operation, input)).toBe(expected);
});
