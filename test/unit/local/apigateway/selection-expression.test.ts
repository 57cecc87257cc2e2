// biome-ignore-all lint/suspicious/noTemplateCurlyInString: selection expressions look like that.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileRouteSelectionExpression } from '../../../../local/apigateway/selection-expression.ts';

test.each([
  '$request.method',
  '${request.method} ${request.path}',
  '$request.body',
  '${request.body.}',
  '$request.body..action',
  '${request.body.action[}',
  '$context.routeKey',
  '${stageVariables.route}',
  '$request.header.action',
  '$',
  '${}',
])('refuses %s by the name of its variable', (expression) => {
  expect(() => compileRouteSelectionExpression(expression)).toThrow(/^the variable "\$.*" of the route selection/);
});

test('evaluates once: a result that looks like an expression stays as it is', () => {
  const select = compileRouteSelectionExpression('${request.body.a}');
  expect(select('{"a": "$request.body.b", "b": "x"}')).toBe('$request.body.b');
});

test('a hyphen belongs to a name, unless braces end it', () => {
  const body = '{"a-b": "hyphen", "a": "plain"}';
  expect(compileRouteSelectionExpression('$request.body.a-b')(body)).toBe('hyphen');
  expect(compileRouteSelectionExpression('${request.body.a}-b')(body)).toBe('plain-b');
});

test('undefined for a text that is no JSON', () => {
  expect(compileRouteSelectionExpression('always')('not JSON')).toBeUndefined();
});

test('no message reaches Object.prototype', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  for (const name of names) expect(compileRouteSelectionExpression(`$request.body.${name}`)('{}')).toBe('');
});

test('takes any JSON', () => {
  const select = compileRouteSelectionExpression('${request.body.action}/${request.body.a.b[0]}');
  fc.assert(fc.property(fc.json(), (json) => typeof select(json) === 'string'));
});
