import { isObject, type JsonObject } from '../json.ts';
import { type Context, inside, refuse } from './context.ts';
import { type Expression, list, literal, object } from './expression.ts';
import { CONDITION_FUNCTIONS, FUNCTIONS } from './functions.ts';

/**
 * Turns a template value into an expression, without the branches of `Fn::If` that do not apply. Adds all mistakes in the
 * value to `context.problems`.
 */
export function compile(value: unknown, context: Context): Expression {
  if (Array.isArray(value)) return list(value.map((item, index) => compile(item, inside(context, index))));
  if (!isObject(value)) return literal(value);
  const name = functionName(value, context);
  if (name === undefined) {
    return object(new Map(Object.entries(value).map(([key, item]) => [key, compile(item, inside(context, key))])));
  }
  return compileFunction(name, value, context);
}

function compileFunction(name: string, value: JsonObject, context: Context): Expression {
  const here = inside(context, name);
  if (Object.keys(value).length > 1) {
    return refuse(
      here,
      `an intrinsic function must be the only key of its object, got ${Object.keys(value).join(', ')}`,
    );
  }
  const known = FUNCTIONS.get(name) ?? (context.inConditions ? CONDITION_FUNCTIONS.get(name) : undefined);
  if (known) return known(value[name], here);
  const misplaced = CONDITION_FUNCTIONS.has(name);
  return refuse(here, misplaced ? `${name} can be used in "Conditions" only` : `unknown intrinsic function "${name}"`);
}

/** `Condition` is a function inside `Conditions` only: elsewhere it is an ordinary key, as in an IAM statement. */
function functionName(value: JsonObject, context: Context): string | undefined {
  const keys = Object.keys(value);
  if (keys.length === 1 && (keys[0] === 'Ref' || (context.inConditions && keys[0] === 'Condition'))) return keys[0];
  return keys.find((key) => key.startsWith('Fn::'));
}
