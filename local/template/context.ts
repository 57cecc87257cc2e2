import type { JsonObject } from '../json.ts';
import { type Expression, NO_VALUE } from './expression.ts';
import { at, type Place, type Problems } from './problems.ts';

/** What the names in one stack's template stand for. */
export interface Names {
  /** The value of a `Ref` or `${…}` with this name; `undefined`, after reporting the problem, if there is nothing of it. */
  reference(name: string, place: Place): Expression | undefined;
  /** The attribute of a resource; `undefined`, after reporting the problem, if there is no such resource. */
  attribute(logicalId: string, name: string, place: Place): Expression | undefined;
  /** Whether a condition holds; `undefined`, after reporting the problem, if it is not declared. */
  condition(name: string, place: Place): boolean | undefined;
  readonly mappings: JsonObject;
}

/** Turns a template value, or the argument of an intrinsic function, into an expression; reports what is wrong with it. */
export type Compile = (value: unknown, context: Context) => Expression;

/** Where a value stands, and what may be used there. */
export interface Context {
  readonly names: Names;
  readonly problems: Problems;
  readonly place: Place;
  /** Inside the section `Conditions`, where `Fn::Equals` and its kind are allowed. */
  readonly inConditions: boolean;
  /** Compiles what is inside a function's argument. */
  readonly compile: Compile;
}

/** The context of the item `key` of the value that `context` is about. */
export function inside(context: Context, key: string | number): Context {
  return { ...context, place: at(context.place, key) };
}

/** Compiles the item `key` of a function's argument. */
export function nested(value: unknown, context: Context, key: string | number): Expression {
  return context.compile(value, inside(context, key));
}

/** Reports a problem; the value of what has it does not matter any more. */
export function refuse(context: Context, problem: string): Expression {
  context.problems.add(context.place, problem);
  return NO_VALUE;
}
