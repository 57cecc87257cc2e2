import type { FunctionConfiguration } from './function-configuration.ts';
import { functionNameOf, functionNotFound, LATEST, qualifiedArn } from './function-name.ts';
import type { LambdaFunction } from './lambda-function.ts';

/** The target of a reference to a function. */
export interface Reference {
  readonly target: LambdaFunction;
  /** The ARN, with the qualifier unless that is `$LATEST`. */
  readonly arn: string;
  /** `$LATEST`, or a number. */
  readonly version: string;
}

/** The deployed functions. */
export interface Functions {
  /** Adds a function. @throws Error if the name is taken */
  add(lambdaFunction: LambdaFunction): void;
  /** Adds a version, which runs the same code. Returns its number. */
  publish(lambdaFunction: LambdaFunction): string;
  /** Adds an alias of a version. @throws Error if the name is taken */
  alias(lambdaFunction: LambdaFunction, name: string, version: string): void;
  /**
   * Finds a function by name, partial ARN or ARN, with or without a version or an alias.
   * @throws AwsError if it does not exist
   */
  resolve(reference: string, qualifier?: string): Reference;
  /** Returns the function of {@link resolve}. */
  get(reference: string, qualifier?: string): LambdaFunction;
  all(): readonly LambdaFunction[];
}

export function createFunctions(): Functions {
  const functions = new Map<FunctionConfiguration['name'], LambdaFunction>();
  /** The numbers of versions, by version or alias, of each function. */
  const versions = new Map<LambdaFunction, Map<string, string>>();
  const versionsOf = (target: LambdaFunction) => {
    const known = versions.get(target) ?? new Map([[LATEST, LATEST]]);
    versions.set(target, known);
    return known;
  };
  const resolve = (reference: string, qualifier?: string): Reference => {
    const name = functionNameOf(reference, qualifier);
    const target = functions.get(name.name);
    const version = target && versionsOf(target).get(name.qualifier ?? LATEST);
    if (!target || version === undefined) throw functionNotFound(name);
    return { target, arn: qualifiedArn(name), version };
  };
  return {
    add(lambdaFunction) {
      const { name } = lambdaFunction.configuration;
      if (functions.has(name)) throw new Error(`there are two functions of the name ${name}`);
      functions.set(name, lambdaFunction);
    },
    publish(lambdaFunction) {
      const own = versionsOf(lambdaFunction);
      const numbers = new Set(own.values());
      const version = String(numbers.size);
      own.set(version, version);
      return version;
    },
    alias(lambdaFunction, name, version) {
      const own = versionsOf(lambdaFunction);
      if (own.has(name)) throw new Error(`${lambdaFunction.configuration.name} has two aliases of the name ${name}`);
      own.set(name, version);
    },
    resolve,
    get: (reference, qualifier) => resolve(reference, qualifier).target,
    all: () => [...functions.values()],
  };
}
