import { isObject, ownField } from '../json.ts';
import { matchesWildcard } from '../wildcard.ts';

/** Whether an event matches the pattern. */
export type Matcher = (event: unknown) => boolean;

/**
 * Compiles an event pattern: exact values, `prefix`, `suffix`, `equals-ignore-case`, `wildcard`, `anything-but`,
 * `numeric`, `exists`, `$or`, at any depth.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 * @throws Error naming the field and the malformed or unsupported operator
 */
export function compilePattern(pattern: unknown, path = ''): Matcher {
  if (!isObject(pattern) || Object.keys(pattern).length === 0) {
    throw new Error(
      `${path || 'the pattern'} must be an object with at least one field, got ${JSON.stringify(pattern)}`,
    );
  }
  const fields = Object.entries(pattern).map(([name, rule]) =>
    compileField(name, rule, path ? `${path}.${name}` : name),
  );
  return (event) => fields.every((field) => field(event));
}

function compileField(name: string, rule: unknown, path: string): Matcher {
  if (name === '$or') {
    if (!Array.isArray(rule) || rule.length < 2) throw new Error(`${path} must be a list of at least two patterns`);
    const alternatives = rule.map((alternative, index) => compilePattern(alternative, `${path}.${index}`));
    return (event) => alternatives.some((alternative) => alternative(event));
  }
  if (isObject(rule)) {
    const nested = compilePattern(rule, path);
    return (event) => elements(ownField(event, name)).some(nested);
  }
  if (!Array.isArray(rule) || rule.length === 0) {
    throw new Error(`${path} must be a list of values to match or an object, got ${JSON.stringify(rule)}`);
  }
  const tests = rule.map((entry) => compileTest(entry, path));
  return (event) => {
    const value = ownField(event, name);
    return tests.some((test) => test(value));
  };
}

/** Tests the value of one field, which is `undefined` if the event lacks it. */
function compileTest(entry: unknown, path: string): Matcher {
  if (!isObject(entry)) return leaf((value) => value === entry);
  const [[operator, operand] = [], ...more] = Object.entries(entry);
  if (operator === undefined || more.length > 0)
    throw new Error(`${path}: expected one operator, got ${JSON.stringify(entry)}`);
  if (operator === 'exists') {
    if (typeof operand !== 'boolean') throw new Error(`${path}: exists must be true or false`);
    // Only leaves count: an object in the field's place does not.
    return (value) => (value !== undefined && !isObject(value)) === operand;
  }
  return leaf(compileOperator(operator, operand, path));
}

/** A list in the event matches when one of its elements does. */
function leaf(test: Matcher): Matcher {
  return (value) => value !== undefined && elements(value).some(test);
}

function compileOperator(operator: string, operand: unknown, path: string): Matcher {
  switch (operator) {
    case 'prefix':
    case 'suffix':
      return compileAffix(operator, operand, path);
    case 'equals-ignore-case':
      return textTest(operator, operand, path, (text, wanted) => text.toLowerCase() === wanted.toLowerCase());
    case 'wildcard':
      return textTest(operator, operand, path, (text, wanted) => matchesWildcard(wanted, text));
    case 'anything-but':
      return compileAnythingBut(operand, path);
    case 'numeric':
      return compileNumeric(operand, path);
    default:
      throw new Error(`${path}: the operator ${operator} is not supported locally`);
  }
}

function compileAffix(operator: 'prefix' | 'suffix', operand: unknown, path: string): Matcher {
  const test = (text: string, wanted: string) =>
    operator === 'prefix' ? text.startsWith(wanted) : text.endsWith(wanted);
  if (!isObject(operand)) return textTest(operator, operand, path, test);
  const wanted = operand['equals-ignore-case'];
  return textTest(operator, wanted, path, (text, affix) => test(text.toLowerCase(), affix.toLowerCase()));
}

function textTest(
  operator: string,
  operand: unknown,
  path: string,
  test: (text: string, operand: string) => boolean,
): Matcher {
  if (typeof operand !== 'string')
    throw new Error(`${path}: ${operator} must be a text, got ${JSON.stringify(operand)}`);
  return (value) => typeof value === 'string' && test(value, operand);
}

function compileAnythingBut(operand: unknown, path: string): Matcher {
  if (!isObject(operand)) {
    const excluded = elements(operand);
    return (value) => !excluded.includes(value);
  }
  const [[operator = '', operands] = []] = Object.entries(operand);
  if (operator === 'numeric') throw new Error(`${path}: anything-but does not take numeric`);
  const excluded = elements(operands).map((each) => compileOperator(operator, each, path));
  return (value) => !excluded.some((test) => test(value));
}

const COMPARISONS: ReadonlyMap<unknown, (left: number, right: number) => boolean> = new Map([
  ['=', (left, right) => left === right],
  ['<', (left, right) => left < right],
  ['<=', (left, right) => left <= right],
  ['>', (left, right) => left > right],
  ['>=', (left, right) => left >= right],
]);

function compileNumeric(operand: unknown, path: string): Matcher {
  const parts = Array.isArray(operand) ? operand : [];
  const malformed = new Error(`${path}: numeric must be like [">", 0, "<=", 5], got ${JSON.stringify(operand)}`);
  if (parts.length === 0) throw malformed;
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const [operator, bound] = [parts[index], parts[index + 1]];
    const compare = COMPARISONS.get(operator);
    if (!compare || typeof bound !== 'number') throw malformed;
    tests.push((value) => compare(value, bound));
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

function elements(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}
