import { isObject } from '../json.ts';
import { type Compile, type Context, nested, refuse } from './context.ts';
import { combined, type Expression, literal, NO_VALUE } from './expression.ts';
import { arrayOf, asText } from './values.ts';

/** `${Name}`, `${Logical.Attribute}` or `${!Literal}`. */
const VARIABLE = /\$\{([^}]*)\}/g;

/** `Fn::Sub`, both forms: `"text ${Name}"` and `["text ${Name}", {"Name": value}]`. */
export const sub: Compile = (argument, context) => {
  const [text, variables] = typeof argument === 'string' ? [argument, {}] : arrayOf(argument, 2) ? argument : [];
  if (typeof text !== 'string' || !isObject(variables)) {
    return refuse(context, 'expected "text" or ["text", {"Variable": value}]');
  }
  const own = new Map<string, Expression>();
  for (const [name, value] of Object.entries(variables)) own.set(name, nested(value, context, name));
  return combined(split(text, own, context), (values) => values.map((value) => asText(value, context.place)).join(''));
};

/** Splits the text into literal parts and variables, in order. */
function split(text: string, own: ReadonlyMap<string, Expression>, context: Context): Expression[] {
  const parts: Expression[] = [];
  let end = 0;
  for (const match of text.matchAll(VARIABLE)) {
    parts.push(context.compile(text.slice(end, match.index), context), variable((match[1] ?? '').trim(), own, context));
    end = match.index + match[0].length;
  }
  return [...parts, context.compile(text.slice(end), context)];
}

function variable(name: string, own: ReadonlyMap<string, Expression>, context: Context): Expression {
  if (name.startsWith('!')) return literal(`\${${name.slice(1)}}`);
  const value = own.get(name);
  if (value) return value;
  const dot = name.indexOf('.');
  if (dot < 0) return context.names.reference(name, context.place) ?? NO_VALUE;
  return context.names.attribute(name.slice(0, dot), name.slice(dot + 1), context.place) ?? NO_VALUE;
}
