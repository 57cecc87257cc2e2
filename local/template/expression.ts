import type { Provisioned } from '../service.ts';
import { type Place, sentence } from './problems.ts';

/** What an expression may ask for while its stack is being deployed. */
export interface Scope {
  /** A resource that has been created. Throws {@link NotCreated} for one that could not be. */
  resource(logicalId: string): Provisioned;
  /** The value of an export of another stack; `undefined` if no stack deployed so far exports that name. */
  exported(name: string): unknown;
  /** What the parameter store holds under a name; `undefined` if it holds nothing there. */
  stored(name: string): string | undefined;
}

/** Something is needed that could not be created: why has been reported where it was to be created. */
export class NotCreated extends Error {
  override readonly name = 'NotCreated';
}

/** A template value whose intrinsic functions are understood, and wait for the resources they name. */
export interface Expression {
  /** The logical ids of the resources it needs. */
  readonly needs: readonly string[];
  /** Throws a {@link ValueError} when a function gets a value that it cannot work with. */
  evaluate(scope: Scope): unknown;
}

/** `AWS::NoValue`: the property or list item that has this value does not exist. */
export const NO_VALUE: Expression = { needs: [], evaluate: () => undefined };

/** A value that turned out to be unusable once it was known. */
export class ValueError extends Error {
  override readonly name = 'ValueError';

  constructor(place: Place, problem: string) {
    super(sentence(place, problem));
  }
}

export function literal(value: unknown): Expression {
  return { needs: [], evaluate: () => value };
}

/** An expression made of others: evaluates them, and hands their values to `combine`. */
export function combined<Parts extends readonly Expression[]>(
  parts: Parts,
  combine: (values: { [Index in keyof Parts]: unknown }, scope: Scope) => unknown,
): Expression {
  return {
    needs: [...new Set(parts.flatMap((part) => part.needs))],
    evaluate: (scope) =>
      combine(parts.map((part) => part.evaluate(scope)) as { [Index in keyof Parts]: unknown }, scope),
  };
}

export function list(items: readonly Expression[]): Expression {
  return combined(
    items.filter((item) => item !== NO_VALUE),
    (values) => values,
  );
}

export function object(entries: ReadonlyMap<string, Expression>): Expression {
  const present = [...entries].filter(([, value]) => value !== NO_VALUE);
  return combined(
    present.map(([, value]) => value),
    (values) => Object.fromEntries(present.map(([key], index) => [key, values[index]])),
  );
}

/** The `Ref` of a resource. */
export function reference(logicalId: string): Expression {
  return { needs: [logicalId], evaluate: (scope) => scope.resource(logicalId).ref };
}

/** The attribute of a resource that `Fn::GetAtt` reads. */
export function attribute(logicalId: string, name: string, place: Place): Expression {
  return {
    needs: [logicalId],
    evaluate(scope) {
      const { attributes, otherAttribute } = scope.resource(logicalId);
      if (Object.hasOwn(attributes, name)) return attributes[name];
      if (otherAttribute) return otherAttribute(name);
      const known = Object.keys(attributes).join(', ') || 'no attributes at all';
      throw new ValueError(place, `${logicalId} has no attribute "${name}" here; it has ${known}`);
    },
  };
}
