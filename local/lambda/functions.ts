import type { FunctionConfiguration } from './function-configuration.ts';
import { functionNameOf, functionNotFound } from './function-name.ts';
import type { LambdaFunction } from './lambda-function.ts';

/** The deployed functions. */
export interface Functions {
  /** Throws an Error when there is one of that name already. */
  add(lambdaFunction: LambdaFunction): void;
  /** Throws an `AwsError` when there is none. `reference`: name, partial ARN or ARN. */
  get(reference: string, qualifier?: string): LambdaFunction;
  all(): readonly LambdaFunction[];
}

export function createFunctions(): Functions {
  const functions = new Map<FunctionConfiguration['name'], LambdaFunction>();
  return {
    add(lambdaFunction) {
      const { name } = lambdaFunction.configuration;
      if (functions.has(name)) throw new Error(`there are two functions of the name ${name}`);
      functions.set(name, lambdaFunction);
    },
    get(reference, qualifier) {
      const name = functionNameOf(reference, qualifier);
      const found = functions.get(name);
      if (!found) throw functionNotFound(name);
      return found;
    },
    all: () => [...functions.values()],
  };
}
