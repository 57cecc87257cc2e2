import type { ResourceProvider } from '../service.ts';
import { createCatalogue } from './catalogue.ts';
import { createStack, type Outputs } from './create.ts';
import type { LeftOut } from './left-out.ts';
import { planStacks } from './plan.ts';
import { createProblems } from './problems.ts';
import type { Stack } from './stack.ts';

export interface DeployOptions {
  readonly providers: readonly ResourceProvider[];
  /** The values of parameters by `Name`, for every stack that declares it, or by `StackName.Name`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Replaces dynamic references (`{{resolve:ssm:…}}`). @throws Error naming one without a value */
  readonly resolveReferences: (text: string) => string;
  /** Returns the value of a parameter in the parameter store, or `undefined` if it does not exist. */
  readonly storedParameter: (name: string) => string | undefined;
  /** Whether to leave out resources that fail, instead of refusing the application. */
  readonly partial: boolean;
}

export interface Deployed {
  /** By stack and output name. */
  readonly outputs: Readonly<Record<string, Outputs>>;
  readonly leftOut: readonly LeftOut[];
}

/**
 * Deploys stacks, each after its dependencies. It creates nothing if a template has mistakes. If a resource fails, it still
 * tries the others, so that a `DeployError` lists all problems.
 */
export async function deploy(stacks: readonly Stack[], options: DeployOptions): Promise<Deployed> {
  const { providers, parameters, partial, ...lookUps } = options;
  const catalogue = createCatalogue(providers);
  const problems = createProblems(partial);
  const leftOut: LeftOut[] = [];
  const deployment = { ...lookUps, catalogue, exported: new Map<string, unknown>(), problems, leftOut };
  const outputs = new Map<string, Outputs>();
  for (const plan of planStacks(stacks, parameters, catalogue, problems) ?? []) {
    outputs.set(plan.stack.name, await createStack(plan, deployment));
  }
  problems.throwIfAny();
  return { outputs: Object.fromEntries(outputs), leftOut };
}
