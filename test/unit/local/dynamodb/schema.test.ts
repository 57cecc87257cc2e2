import { expect, test } from 'vitest';
import { isSameSchema, partitionKeysOf } from '../../../../local/dynamodb/schema.ts';

const table = {
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'g', AttributeType: 'S' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byG',
      KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['a', 'b'] },
    },
  ],
};

const [byG] = table.GlobalSecondaryIndexes;

test('what AWS adds to a description, and the order of lists, do not matter', () => {
  expect(
    isSameSchema(table, {
      ...table,
      TableStatus: 'ACTIVE',
      AttributeDefinitions: [...table.AttributeDefinitions].reverse(),
      GlobalSecondaryIndexes: [
        { ...byG, IndexStatus: 'ACTIVE', Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['b', 'a'] } },
      ],
    }),
  ).toBe(true);
});

test.each([
  ['another sort key', { KeySchema: table.KeySchema.slice(0, 1) }],
  [
    'another type',
    { AttributeDefinitions: table.AttributeDefinitions.map((each) => ({ ...each, AttributeType: 'N' })) },
  ],
  ['no index', { GlobalSecondaryIndexes: [] }],
  ['an index of another name', { GlobalSecondaryIndexes: [{ ...byG, IndexName: 'other' }] }],
  ['an index that keeps more', { GlobalSecondaryIndexes: [{ ...byG, Projection: { ProjectionType: 'ALL' } }] }],
])('%s is another schema', (_name, change) => {
  expect(isSameSchema(table, { ...table, ...change })).toBe(false);
});

test('partition keys of the table and its indexes', () => {
  expect(Object.fromEntries(partitionKeysOf(table))).toEqual({ '': 'pk', byG: 'g' });
});
