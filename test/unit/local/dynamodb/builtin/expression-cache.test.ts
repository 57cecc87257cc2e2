import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { cached } from '../../../../../local/dynamodb/builtin/expression-cache.ts';

const require = createRequire(import.meta.url);
const parsers = {
  condition: require('dynalite/db/conditionParser.js').parse,
  update: require('dynalite/db/updateParser.js').parse,
  projection: require('dynalite/db/projectionParser.js').parse,
};
type Kind = keyof typeof parsers;
type Values = Record<string, Record<string, unknown>>;

const names = { '#a': 'alpha', '#b': 'beta', '#rest': 'unused' };

function context(attrVals: Values = {}, attrNames: Record<string, string> = names) {
  const flags = (named: object) => Object.fromEntries(Object.keys(named).map((name) => [name, true]));
  const unused = { unusedAttrNames: flags(attrNames), unusedAttrVals: flags(attrVals) };
  const compare = (_operator: string, left: { N: string }, right: { N: string }) => Number(left.N) > Number(right.N);
  return { attrNames, attrVals, ...unused, isReserved: () => false, compare };
}

const EXPRESSIONS: readonly (readonly [Kind, string])[] = [
  ['condition', 'plain = :one'],
  ['condition', '#a > :one AND (attribute_not_exists(gone) OR NOT contains(#b.list[2], :two))'],
  ['condition', '#a IN (:one, :two) AND size(x) <= :one'],
  ['condition', 'x BETWEEN :one AND :two'],
  ['update', 'SET #a = :one, b = if_not_exists(c.d, :two) + :one REMOVE e[1] ADD f :one'],
  ['projection', '#a, b.c[3], #b.#a'],
];

describe('cached', () => {
  it.each(EXPRESSIONS)('gives what the %s parser itself gives for %s', (kind, expression) => {
    const parse = cached(parsers[kind]);
    for (const first of ['1', '2', '3']) {
      const values: Values =
        kind === 'projection' ? {} : { ':one': { N: first }, ':two': { N: '5' }, ':no': { S: 'x' } };
      const [expectedContext, actualContext] = [context(values), context(values)];
      const expected = parsers[kind](expression, { context: expectedContext });
      expect(parse(expression, { context: actualContext })).toEqual(expected);
      expect(actualContext).toEqual({
        ...expectedContext,
        compare: expect.any(Function),
        isReserved: expect.any(Function),
      });
    }
  });

  it('parses an expression once, whatever its values', () => {
    let parsed = 0;
    const parse = cached((expression, options) => {
      parsed += 1;
      return parsers.condition(expression, options);
    });
    for (const text of ['a', 'b', 'c']) parse('x = :v', { context: context({ ':v': { S: text } }) });
    expect(parsed).toBe(1);
  });

  it('gives each request a tree of its own', () => {
    const parse = cached(parsers.update);
    const once = () =>
      parse('SET x = :v', { context: context({ ':v': { S: 'a' } }) }) as { sections: { val: unknown }[] };
    const [section] = once().sections;
    if (section) section.val = { S: 'changed' };
    expect(once().sections[0]?.val).toEqual({ S: 'a' });
  });

  it.each([
    ['another type of a value', 'begins_with(x, :v)', { ':v': { N: '1' } }, 'Incorrect operand type'],
    ['a bound that is too low', 'x BETWEEN :v AND :w', { ':v': { N: '9' }, ':w': { N: '2' } }, 'BETWEEN operator'],
    ['a value of that name missing', 'x = :v', { ':w': { S: 'a' } }, 'not defined'],
    ['an unknown type', 'attribute_type(x, :v)', { ':v': { S: 'Q' } }, 'Invalid attribute type name'],
  ])('notices %s', (_what, expression, values, message) => {
    const parse = cached(parsers.condition);
    const valid: Values = /BETWEEN/.test(expression) ? { ':v': { N: '1' }, ':w': { N: '2' } } : { ':v': { S: 'S' } };
    expect(parse(expression, { context: context(valid) })).toBeTypeOf('object');
    expect(parse(expression, { context: context(values) })).toContain(message);
  });

  it('notices that a name stands for another attribute', () => {
    const parse = cached(parsers.projection);
    parse('#a', { context: context() });
    expect(parse('#a', { context: context({}, { '#a': 'other' }) })).toMatchObject({ paths: [['other']] });
  });

  it('takes a name as used that an expression before it has used', () => {
    const parse = cached(parsers.condition);
    const first = context({ ':v': { S: 'a' } });
    first.unusedAttrVals = {};
    parse('x = :v', { context: first });
    const second = context({ ':v': { S: 'a' } });
    parse('x = :v', { context: second });
    expect(second.unusedAttrVals).toEqual({});
  });
});
