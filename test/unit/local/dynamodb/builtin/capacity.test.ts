import { expect, test } from 'vitest';
import { itemBytes, refusedUnits } from '../../../../../local/dynamodb/builtin/capacity.ts';

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
test.each<[string, object, number]>([
  ['text in UTF-8', { S: 'né' }, 3],
  ['an empty text', { S: '' }, 0],
  ['binary, decoded', { B: Buffer.from('abcde').toString('base64') }, 5],
  ['a number: a byte for two digits, and one', { N: '1234' }, 3],
  ['zeros at the ends do not count', { N: '0012300' }, 3],
  ['a negative number has one more', { N: '-12.3' }, 4],
  ['zero', { N: '0' }, 1],
  ['an exponent is free', { N: '1.5E100' }, 2],
  ['a boolean', { BOOL: false }, 1],
  ['null', { NULL: true }, 1],
  ['a set of texts', { SS: ['ab', 'c'] }, 3],
  ['a set of numbers', { NS: ['1', '-1'] }, 5],
  ['a list: 3 bytes, and one an element', { L: [{ S: 'ab' }, { BOOL: true }] }, 3 + 2 + 2 + 1],
  ['a map: 3 bytes, and one a member, with its name', { M: { ab: { S: 'c' } } }, 3 + 1 + 2 + 1],
  ['an empty list', { L: [] }, 3],
])('the size of %s', (_name, value, bytes) => {
  expect(itemBytes({ é: value })).toBe(2 + bytes);
});

test.each([
  [{ address: { S: 'x'.repeat(2000) } }, 2],
  [undefined, 1],
])('a write whose condition does not hold costs what is there, and at least one unit', (item, write) => {
  expect(refusedUnits({ reads: [{ tableName: 'T', item }], walks: [], writes: [] })).toEqual({ read: 0, write });
});
