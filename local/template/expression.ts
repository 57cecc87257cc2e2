import type { Provisioned } from '../service.ts';
import { type Place, sentence } from './problems.ts';

/** The values that an expression may read during the deployment of its stack. */
export interface Scope {
  /** Returns a created resource. @throws NotCreated for one that failed */
  resource(logicalId: string): Provisioned;
  /** Returns the value of an export, or `undefined` if no stack so far exports that name. */
  exported(name: string): unknown;
  /** Returns the value of a parameter in the parameter store, or `undefined` if it does not exist. */
  stored(name: string): string | undefined;
}

/** A required resource has failed. Its own problem is already reported. */
export class NotCreated extends Error {
  override readonly name = 'NotCreated';
}

/** A compiled template value, whose intrinsic functions wait for the resources that they name. */
export interface Expression {
  /** The logical ids of the resources it needs. */
  readonly needs: readonly string[];
  /** Returns the value. @throws ValueError if a function gets an unusable value */
  evaluate(scope: Scope): unknown;
}

/** `AWS::NoValue`: the property or list item that has this value does not exist. */
export const NO_VALUE: Expression = { needs: [], evaluate: () => undefined };

/** A value that a function cannot use. */
export class ValueError extends Error {
  override readonly name = 'ValueError';

  constructor(place: Place, problem: string) {
    super(sentence(place, problem));
  }
}

export function literal(value: unknown): Expression {
  return { needs: [], evaluate: () => value };
}

/** Makes an expression of others: it evaluates them, and passes their values to `combine`. */
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
