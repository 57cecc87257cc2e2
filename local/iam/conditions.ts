import { type ArnPattern, arnPattern } from './arn-pattern.ts';
import { type RequestKeys, requireSupportedKey } from './condition-keys.ts';
import { type Wildcard, wildcard } from './wildcards.ts';

/** One operator applied to one key, e.g. `StringLike` of `dynamodb:LeadingKeys`. */
export interface Condition {
  holds(keys: RequestKeys): boolean;
}

type ValueOf = (key: string) => string | undefined;
type Test = (value: string, lookUp: ValueOf) => boolean;

/** Turns a value of the policy into a test of a value of the request. */
type Operator = (expected: string) => Test;

const equals: Operator = (expected) => matcher(wildcard(expected, { exact: true }));
const equalsIgnoreCase: Operator = (expected) => matcher(wildcard(expected, { exact: true, ignoreCase: true }));
const like: Operator = (expected) => matcher(wildcard(expected));
const arnLike: Operator = (expected) => matcher(arnPattern(expected));

const OPERATORS: Readonly<Record<string, { readonly test: Operator; readonly negated?: true }>> = {
  StringEquals: { test: equals },
  StringNotEquals: { test: equals, negated: true },
  StringEqualsIgnoreCase: { test: equalsIgnoreCase },
  StringNotEqualsIgnoreCase: { test: equalsIgnoreCase, negated: true },
  StringLike: { test: like },
  StringNotLike: { test: like, negated: true },
  ArnEquals: { test: arnLike },
  ArnNotEquals: { test: arnLike, negated: true },
  ArnLike: { test: arnLike },
  ArnNotLike: { test: arnLike, negated: true },
  Bool: { test: equalsIgnoreCase },
};

const NULL = 'Null';

/** All operators for conditions, besides `IfExists`, `ForAllValues:` and `ForAnyValue:`. */
export const CONDITION_OPERATORS: readonly string[] = [...Object.keys(OPERATORS), NULL];

const NAME = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/** Reads a condition. @throws Error naming an unsupported operator or key */
export function parseCondition(operatorName: string, key: string, expected: readonly string[]): Condition {
  requireSupportedKey(key);
  const name = key.toLowerCase();
  if (operatorName === NULL) {
    const absent = expected.some((value) => value.toLowerCase() === 'true');
    return { holds: (keys) => (keys.get(name) === undefined) === absent };
  }
  const [, quantifier, base = '', ifExists] = NAME.exec(operatorName) ?? [];
  const operator = Object.hasOwn(OPERATORS, base) ? OPERATORS[base] : undefined;
  if (!operator) throw new Error(`the condition operator ${operatorName} is not supported`);
  const tests = expected.map((value) => operator.test(value));
  const negated = operator.negated === true;
  return {
    holds(keys) {
      const values = keys.get(name);
      if (values === undefined) return ifExists !== undefined || (quantifier ? quantifier === 'ForAllValues' : negated);
      const lookUp: ValueOf = (wanted) => single(keys.get(wanted.toLowerCase()));
      const passes = (value: string) => tests.some((test) => test(value, lookUp)) !== negated;
      if (quantifier === 'ForAnyValue') return values.some(passes);
      // A negated operator without a quantifier holds when no value matches; a positive one, when some value does.
      return quantifier === 'ForAllValues' || negated ? values.every(passes) : values.some(passes);
    },
  };
}

function matcher(pattern: Wildcard | ArnPattern): Test {
  for (const key of pattern.keys) requireSupportedKey(key);
  return (value, lookUp) => pattern.matches(value, lookUp);
}

function single(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}
