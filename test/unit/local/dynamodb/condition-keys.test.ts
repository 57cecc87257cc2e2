import { expect, test } from 'vitest';
import { conditionKeys } from '../../../../local/dynamodb/condition-keys.ts';

const leadingKeys = (part: Record<string, unknown>) => conditionKeys(part, 'pk')['dynamodb:LeadingKeys'];
const attributes = (part: Record<string, unknown>) => conditionKeys(part, 'pk')['dynamodb:Attributes'];

test.each<[string, Record<string, unknown>, string[]]>([
  ['a key', { Key: { pk: { S: 'a' }, sk: { S: 'b' } } }, ['a']],
  ['an item', { Item: { pk: { N: '1' }, data: { S: 'x' } } }, ['1']],
  ['keys of a batch', { Keys: [{ pk: { S: 'a' } }, { pk: { S: 'b' } }] }, ['a', 'b']],
  [
    'writes of a batch',
    { Requests: [{ PutRequest: { Item: { pk: { S: 'a' } } } }, { DeleteRequest: { Key: { pk: { S: 'b' } } } }] },
    ['a', 'b'],
  ],
  [
    'a query',
    { KeyConditionExpression: 'pk = :p AND sk > :s', ExpressionAttributeValues: { ':p': { S: 'a' } } },
    ['a'],
  ],
  [
    'a query by another name, the other way round',
    {
      KeyConditionExpression: 'begins_with(sk, :s) and :p=#k',
      ExpressionAttributeNames: { '#k': 'pk' },
      ExpressionAttributeValues: { ':p': { S: 'a' }, ':s': { S: 'x' } },
    },
    ['a'],
  ],
  ['a query of old', { KeyConditions: { pk: { AttributeValueList: [{ S: 'a' }], ComparisonOperator: 'EQ' } } }, ['a']],
  ['a scan', {}, []],
  ['nonsense', { Key: 3, Keys: 'x', Item: null, KeyConditionExpression: 5 }, []],
])('the leading keys of %s', (_name, part, expected) => {
  expect(leadingKeys(part)).toEqual(expected);
});

test('without a partition key there are no leading keys', () => {
  expect(conditionKeys({ Key: { pk: { S: 'a' } } }, undefined)['dynamodb:LeadingKeys']).toEqual([]);
});

test('the attributes are those of keys, items, lists and expressions, at the top level', () => {
  expect(
    attributes({
      Key: { pk: { S: 'a' }, sk: { S: 'b' } },
      UpdateExpression: 'SET #n = if_not_exists(tat, :zero) + :one, profile.city = :c REMOVE old[0]',
      ConditionExpression: 'attribute_exists(pk) AND size(tags) < :n',
      ExpressionAttributeNames: { '#n': 'name' },
      AttributesToGet: ['extra'],
    }),
  ).toEqual(['pk', 'sk', 'extra', 'tags', 'name', 'tat', 'profile', 'old']);
});

test('an attribute may be called like something that every object has', () => {
  const part = {
    KeyConditionExpression: 'constructor = :v',
    ExpressionAttributeNames: { '#n': 'name' },
    ExpressionAttributeValues: { ':v': { S: 'a' } },
    UpdateExpression: 'SET toString = :v',
  };
  expect(conditionKeys(part, 'constructor')).toMatchObject({
    'dynamodb:LeadingKeys': ['a'],
    'dynamodb:Attributes': expect.arrayContaining(['constructor', 'toString']),
  });
});

test('parameters that policies can look at', () => {
  expect(conditionKeys({ Select: 'COUNT', ReturnValues: 'ALL_OLD', Limit: 1 }, 'pk')).toMatchObject({
    'dynamodb:Select': 'COUNT',
    'dynamodb:ReturnValues': 'ALL_OLD',
  });
});
