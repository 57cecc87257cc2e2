import type { JsonObject } from '../json.ts';
import { type Expression, NO_VALUE } from './expression.ts';
import { at, type Place, type Problems } from './problems.ts';

/** The meaning of the names in one stack's template. */
export interface Names {
  /** Returns the value of a `Ref` or `${…}` with this name. Reports an unknown name, and returns `undefined`. */
  reference(name: string, place: Place): Expression | undefined;
  /** Returns the attribute of a resource. Reports an unknown resource, and returns `undefined`. */
  attribute(logicalId: string, name: string, place: Place): Expression | undefined;
  /** Whether a condition holds. Reports an undeclared one, and returns `undefined`. */
  condition(name: string, place: Place): boolean | undefined;
  readonly mappings: JsonObject;
}

/** Turns a template value, or the argument of an intrinsic function, into an expression, and reports its mistakes. */
export type Compile = (value: unknown, context: Context) => Expression;

/** The place of a value, and the functions that it may use. */
export interface Context {
  readonly names: Names;
  readonly problems: Problems;
  readonly place: Place;
  /** Whether the value is in the section `Conditions`, which allows `Fn::Equals` and the like. */
  readonly inConditions: boolean;
  /** Compiles the values in a function's argument. */
  readonly compile: Compile;
}

/** Returns the context of the item `key` inside the value of `context`. */
export function inside(context: Context, key: string | number): Context {
  return { ...context, place: at(context.place, key) };
}

/** Compiles the item `key` of a function's argument. */
export function nested(value: unknown, context: Context, key: string | number): Expression {
  return context.compile(value, inside(context, key));
}

/** Reports a problem. The value no longer matters. */
export function refuse(context: Context, problem: string): Expression {
  context.problems.add(context.place, problem);
  return NO_VALUE;
}
