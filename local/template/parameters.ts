import { isObject, type JsonObject } from '../json.ts';
import { type Expression, literal, NO_VALUE, ValueError } from './expression.ts';
import { at, type Place, type Problems } from './problems.ts';

/** The parameter that the CDK adds to every stack. Only its bootstrap rule reads it. */
const CDK_BOOTSTRAP_PARAMETER = 'BootstrapVersion';

type Read = (text: string) => unknown;

const readNumber: Read = (text) => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined);
const readList: Read = (text) => text.split(',').map((item) => item.trim());

/** The conversions from a parameter's text to its value. `undefined` means that the text has another type. */
const TYPES: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['String', (text) => text],
  ['Number', readNumber],
  ['CommaDelimitedList', readList],
  ['List<Number>', (text) => allDefined(text.split(',').map(readNumber))],
]);

/** Types of ids and names that CloudFormation looks up: `AWS::EC2::VPC::Id`, `List<AWS::EC2::Subnet::Id>`. */
const RESOURCE_ID = /^AWS::\w+(?:::\w+)*$/;
const RESOURCE_IDS = /^List<(?:AWS::\w+(?:::\w+)*|String)>$/;
/** The type of a value in the parameter store. The template's parameter contains the name there. */
const STORED = /^AWS::SSM::Parameter::Value<(.+)>$/;

function readerOf(type: string): Read | undefined {
  if (RESOURCE_ID.test(type)) return (text) => text;
  return RESOURCE_IDS.test(type) ? readList : TYPES.get(type);
}

/** Returns the value of every parameter of a stack: the given one, or the default. */
export function readParameters(
  declared: ReadonlyMap<string, JsonObject>,
  given: ReadonlyMap<string, string>,
  stackName: string,
  problems: Problems,
): Map<string, Expression> {
  const values = new Map<string, Expression>();
  for (const [name, declaration] of declared) {
    const place = { stackName, element: `parameter ${name}` };
    values.set(name, readParameter(name, declaration, given.get(name), place, problems));
  }
  return values;
}

function readParameter(
  name: string,
  declaration: JsonObject,
  given: string | undefined,
  place: Place,
  problems: Problems,
): Expression {
  const text = given ?? defaultText(declaration['Default']);
  if (name === CDK_BOOTSTRAP_PARAMETER) return literal(text);
  const type = String(declaration['Type']);
  const [, storedType] = STORED.exec(type) ?? [];
  const read = readerOf(storedType ?? type);
  if (!read) {
    problems.add(
      at(place, 'Type'),
      `the type ${JSON.stringify(declaration['Type'])} is not supported; use ${[...TYPES.keys()].join(', ')}, ` +
        'one of AWS (AWS::EC2::VPC::Id), or AWS::SSM::Parameter::Value<…>',
    );
    return NO_VALUE;
  }
  if (text === undefined) {
    problems.add(place, 'it has no default: set its value (--parameter Name=Value)');
    return NO_VALUE;
  }
  if (storedType !== undefined && given === undefined) return stored(text, name, read, place);
  const value = read(text);
  if (value === undefined) problems.add(place, `"${text}" is not a ${type}`);
  else checkConstraints(text, value, declaration, place, problems);
  return literal(value);
}

/** Reads the parameter store, which earlier stacks fill. A given value needs no store. */
function stored(storedName: string, name: string, read: Read, place: Place): Expression {
  return {
    needs: [],
    evaluate(scope) {
      const value = scope.stored(storedName);
      if (value !== undefined) return read(value);
      const todo = `set its value (--parameter ${name}=VALUE)`;
      throw new ValueError(place, `no earlier stack puts ${storedName} into the parameter store; ${todo}`);
    },
  };
}

function checkConstraints(
  text: string,
  value: unknown,
  declaration: JsonObject,
  place: Place,
  problems: Problems,
): void {
  const expected = declaration['ConstraintDescription'];
  const refuse = (constraint: string, problem: string) =>
    problems.add(
      place,
      typeof expected === 'string'
        ? `"${text}" ${problem}; expected ${expected}`
        : `"${text}" ${problem} (${constraint}: ${JSON.stringify(declaration[constraint])})`,
    );
  const allowed = declaration['AllowedValues'];
  const items = Array.isArray(value) ? value : [value];
  if (Array.isArray(allowed) && !items.every((item) => allowed.map(String).includes(String(item)))) {
    refuse('AllowedValues', 'is not one of the allowed values');
  }
  const pattern = declaration['AllowedPattern'];
  // CloudFormation matches each item of a list.
  const texts = Array.isArray(value) ? items.map(String) : [text];
  if (typeof pattern === 'string' && !texts.every((each) => new RegExp(`^(?:${pattern})$`).test(each))) {
    refuse('AllowedPattern', 'does not match the allowed pattern');
  }
  if (text.length < bound(declaration['MinLength'], 0)) refuse('MinLength', 'is too short');
  if (text.length > bound(declaration['MaxLength'], Infinity)) refuse('MaxLength', 'is too long');
  if (typeof value === 'number' && value < bound(declaration['MinValue'], -Infinity))
    refuse('MinValue', 'is too small');
  if (typeof value === 'number' && value > bound(declaration['MaxValue'], Infinity)) refuse('MaxValue', 'is too large');
}

function bound(value: unknown, otherwise: number): number {
  return value === undefined ? otherwise : Number(value);
}

function defaultText(value: unknown): string | undefined {
  return value === undefined || isObject(value) ? undefined : String(value);
}

function allDefined(values: readonly unknown[]): readonly unknown[] | undefined {
  return values.every((value) => value !== undefined) ? values : undefined;
}
