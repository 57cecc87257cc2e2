import { expect, test } from 'vitest';
import { compilePattern } from '../../../../local/events/pattern.ts';

const event = {
  source: 'shop.orders',
  'detail-type': 'OrderPlaced',
  resources: ['arn:a', 'arn:b'],
  detail: {
    total: 12.5,
    state: 'Paid',
    coupon: null,
    gift: true,
    file: 'photo.png',
    tags: ['new', 'vip'],
    items: [
      { sku: 'a', amount: 1 },
      { sku: 'b', amount: 5 },
    ],
    customer: { country: 'SE' },
  },
};

const detail = (pattern: object) => ({ detail: pattern });

test.each<[string, object, boolean]>([
  ['an exact text', { source: ['shop.orders'] }, true],
  ['another text', { source: ['shop.returns'] }, false],
  ['one of several', { source: ['x', 'shop.orders'] }, true],
  ['every field must match', { source: ['shop.orders'], 'detail-type': ['Other'] }, false],
  ['a number', detail({ total: [12.5] }), true],
  ['a number is not its text', detail({ total: ['12.5'] }), false],
  ['null', detail({ coupon: [null] }), true],
  ['null is not absence', detail({ missing: [null] }), false],
  ['true', detail({ gift: [true] }), true],
  ['an element of a list', { resources: ['arn:b'] }, true],
  ['no element of a list', { resources: ['arn:c'] }, false],
  ['nested', detail({ customer: { country: ['SE', 'NO'] } }), true],
  ['nested in something that is no object', detail({ state: { country: ['SE'] } }), false],
  ['a list of objects', detail({ items: { sku: ['b'] } }), true],
  ['a list of objects, both fields in one', detail({ items: { sku: ['a'], amount: [5] } }), false],
  ['prefix', { source: [{ prefix: 'shop.' }] }, true],
  ['prefix, not', { source: [{ prefix: 'orders' }] }, false],
  ['prefix, ignoring case', { source: [{ prefix: { 'equals-ignore-case': 'SHOP' } }] }, true],
  ['suffix', detail({ file: [{ suffix: '.png' }] }), true],
  ['suffix, not', detail({ file: [{ suffix: '.jpg' }] }), false],
  ['equals-ignore-case', detail({ state: [{ 'equals-ignore-case': 'PAID' }] }), true],
  ['wildcard', detail({ file: [{ wildcard: 'p*.png' }] }), true],
  ['anything-but', detail({ state: [{ 'anything-but': 'Open' }] }), true],
  ['anything-but, not', detail({ state: [{ 'anything-but': 'Paid' }] }), false],
  ['anything-but a list', detail({ total: [{ 'anything-but': [1, 12.5] }] }), false],
  ['anything-but of what is missing', detail({ missing: [{ 'anything-but': 'x' }] }), false],
  ['anything-but a prefix', { source: [{ 'anything-but': { prefix: 'shop' } }] }, false],
  ['anything-but suffixes', detail({ file: [{ 'anything-but': { suffix: ['.jpg', '.gif'] } }] }), true],
  ['numeric range', detail({ total: [{ numeric: ['>', 0, '<=', 12.5] }] }), true],
  ['numeric range, not', detail({ total: [{ numeric: ['>', 12.5] }] }), false],
  ['numeric =', detail({ total: [{ numeric: ['=', 12.5] }] }), true],
  ['numeric of a text', detail({ state: [{ numeric: ['>', 0] }] }), false],
  ['exists', detail({ state: [{ exists: true }] }), true],
  ['exists: null does', detail({ coupon: [{ exists: true }] }), true],
  ['exists, not', detail({ missing: [{ exists: true }] }), false],
  ['exists: an object is not a leaf', detail({ customer: [{ exists: true }] }), false],
  ['exists: false', detail({ missing: [{ exists: false }] }), true],
  ['exists: false, not', detail({ state: [{ exists: false }] }), false],
  ['a value or absence', detail({ missing: ['x', { exists: false }] }), true],
  ['$or', { $or: [{ source: ['x'] }, { 'detail-type': ['OrderPlaced'] }] }, true],
  ['$or, neither', { $or: [{ source: ['x'] }, { 'detail-type': ['y'] }] }, false],
  ['$or and a field', detail({ $or: [{ gift: [true] }, { gift: [false] }], state: ['Open'] }), false],
  ['a field of the prototype', { toString: [{ exists: true }] }, false],
])('%s', (_name, pattern, expected) => {
  expect(compilePattern(pattern)(event)).toBe(expected);
});

test.each<[unknown, string]>([
  [{}, 'the pattern must be an object with at least one field'],
  [[], 'the pattern must be an object'],
  [{ source: 'x' }, 'source must be a list of values to match or an object, got "x"'],
  [{ detail: { state: [] } }, 'detail.state must be a list'],
  [{ detail: { ip: [{ cidr: '10.0.0.0/8' }] } }, 'detail.ip: the operator cidr is not supported locally'],
  [{ source: [{ prefix: 'a', suffix: 'b' }] }, 'source: expected one operator'],
  [{ source: [{ prefix: 1 }] }, 'source: prefix must be a text, got 1'],
  [{ source: [{ exists: 'yes' }] }, 'source: exists must be true or false'],
  [{ total: [{ numeric: ['>'] }] }, 'total: numeric must be like'],
  [{ total: [{ numeric: [] }] }, 'total: numeric must be like'],
  [{ $or: [{ a: [1] }] }, '$or must be a list of at least two patterns'],
  [{ $or: [{ a: [1] }, 2] }, '$or.1 must be an object'],
])('%j is refused by name', (pattern, message) => {
  expect(() => compilePattern(pattern)).toThrow(message);
});
