import { isObject } from '../json.ts';
import { type Compile, type Context, nested, refuse } from './context.ts';
import { combined, type Expression, literal, NO_VALUE, ValueError } from './expression.ts';
import { sub } from './sub.ts';
import { arrayOf, asBoolean, asInteger, asList, asText } from './values.ts';

const ref: Compile = (argument, context) => {
  if (typeof argument !== 'string') return refuse(context, 'expected the name of a parameter or resource');
  return context.names.reference(argument, context.place) ?? NO_VALUE;
};

/** Both forms: `["Logical", "Attribute"]` and `"Logical.Attribute"`. */
const getAtt: Compile = (argument, context) => {
  const parts = typeof argument === 'string' ? splitOnce(argument) : argument;
  const [logicalId, attribute] = arrayOf(parts, 2) ? parts : [];
  if (typeof logicalId !== 'string' || typeof attribute !== 'string') {
    return refuse(context, 'expected ["LogicalId", "Attribute"] or "LogicalId.Attribute"');
  }
  return context.names.attribute(logicalId, attribute, context.place) ?? NO_VALUE;
};

const join: Compile = (argument, context) => {
  if (!arrayOf(argument, 2) || typeof argument[0] !== 'string') {
    return refuse(context, 'expected ["delimiter", [values]]');
  }
  const delimiter = argument[0];
  return combined([nested(argument[1], context, 1)], ([values]) =>
    asList(values, context.place)
      .map((value) => asText(value, context.place))
      .join(delimiter),
  );
};

const split: Compile = (argument, context) => {
  if (!arrayOf(argument, 2) || typeof argument[0] !== 'string') {
    return refuse(context, 'expected ["delimiter", "text"]');
  }
  const delimiter = argument[0];
  return combined([nested(argument[1], context, 1)], ([text]) => asText(text, context.place).split(delimiter));
};

const select: Compile = (argument, context) => {
  if (!arrayOf(argument, 2)) return refuse(context, 'expected [index, [values]]');
  const parts = [nested(argument[0], context, 0), nested(argument[1], context, 1)] as const;
  return combined(parts, ([index, values]) => {
    const position = asInteger(index, context.place);
    const items = asList(values, context.place);
    if (position >= 0 && position < items.length) return items[position];
    throw new ValueError(context.place, `there is no item ${position} in a list of ${items.length}`);
  });
};

/** The condition has its value before any resource exists, so only the branch that applies is compiled. */
const conditional: Compile = (argument, context) => {
  if (!arrayOf(argument, 3) || typeof argument[0] !== 'string') {
    return refuse(context, 'expected ["Condition", valueIfTrue, valueIfFalse]');
  }
  const holds = context.names.condition(argument[0], context.place);
  if (holds === undefined) return NO_VALUE;
  const branch = holds ? 1 : 2;
  return nested(argument[branch], context, branch);
};

const findInMap: Compile = (argument, context) => {
  if (!arrayOf(argument, 3)) return refuse(context, 'expected ["Map", "TopLevelKey", "SecondLevelKey"]');
  const keys = argument.map((key, index) => nested(key, context, index));
  return combined(keys, (values) => {
    let found: unknown = context.names.mappings;
    for (const value of values) {
      const key = asText(value, context.place);
      if (!isObject(found) || !Object.hasOwn(found, key)) {
        throw new ValueError(context.place, `the mappings have no ${values.map(String).join(' > ')}`);
      }
      found = found[key];
    }
    return found;
  });
};

const importValue: Compile = (argument, context) =>
  combined([context.compile(argument, context)], ([value], scope) => {
    const name = asText(value, context.place);
    const found = scope.exported(name);
    if (found === undefined) throw new ValueError(context.place, `no stack before this one exports "${name}"`);
    return found;
  });

const base64: Compile = (argument, context) =>
  combined([context.compile(argument, context)], ([value]) =>
    Buffer.from(asText(value, context.place)).toString('base64'),
  );

const equals: Compile = (argument, context) => {
  if (!arrayOf(argument, 2)) return refuse(context, 'expected [value, value]');
  const parts = [nested(argument[0], context, 0), nested(argument[1], context, 1)] as const;
  return combined(parts, ([left, right]) => asText(left, context.place) === asText(right, context.place));
};

const and: Compile = (argument, context) => booleans(argument, context, (values) => values.every(Boolean));
const or: Compile = (argument, context) => booleans(argument, context, (values) => values.some(Boolean));

const not: Compile = (argument, context) => {
  if (!arrayOf(argument, 1)) return refuse(context, 'expected [condition]');
  return combined([nested(argument[0], context, 0)], ([value]) => !asBoolean(value, context.place));
};

const condition: Compile = (argument, context) => {
  if (typeof argument !== 'string') return refuse(context, 'expected the name of a condition');
  return literal(context.names.condition(argument, context.place) ?? false);
};

/** The functions for all sections. */
export const FUNCTIONS: ReadonlyMap<string, Compile> = new Map([
  ['Ref', ref],
  ['Fn::GetAtt', getAtt],
  ['Fn::Join', join],
  ['Fn::Sub', sub],
  ['Fn::Split', split],
  ['Fn::Select', select],
  ['Fn::If', conditional],
  ['Fn::FindInMap', findInMap],
  ['Fn::ImportValue', importValue],
  ['Fn::Base64', base64],
]);

/** The functions for the section `Conditions` only. */
export const CONDITION_FUNCTIONS: ReadonlyMap<string, Compile> = new Map([
  ['Fn::Equals', equals],
  ['Fn::And', and],
  ['Fn::Or', or],
  ['Fn::Not', not],
  ['Condition', condition],
]);

/** `Fn::And` and `Fn::Or` take two to ten conditions. */
function booleans(argument: unknown, context: Context, combine: (values: boolean[]) => boolean): Expression {
  if (!Array.isArray(argument) || argument.length < 2 || argument.length > 10) {
    return refuse(context, 'expected a list of 2 to 10 conditions');
  }
  return combined(
    argument.map((item, index) => nested(item, context, index)),
    (values) => combine(values.map((value) => asBoolean(value, context.place))),
  );
}

/** Attribute names may have dots (`Outputs.Url`), logical ids may not. */
function splitOnce(text: string): readonly string[] {
  const dot = text.indexOf('.');
  return dot < 0 ? [text] : [text.slice(0, dot), text.slice(dot + 1)];
}
