import type { ResourceProvider } from '../service.ts';
import { createCatalogue } from './catalogue.ts';
import { createStack, type Outputs } from './create.ts';
import type { LeftOut } from './left-out.ts';
import { planStacks } from './plan.ts';
import { createProblems } from './problems.ts';
import type { Stack } from './stack.ts';

export interface DeployOptions {
  readonly providers: readonly ResourceProvider[];
  /** By `Name`, for every stack that declares it, or by `StackName.Name`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Puts values in the place of dynamic references (`{{resolve:ssm:…}}`). Throws an Error naming one without a value. */
  readonly resolveReferences: (text: string) => string;
  /** The value of a parameter in the parameter store; `undefined` if there is none of that name. */
  readonly storedParameter: (name: string) => string | undefined;
  /** Whether resources that cannot be created are left out, rather than refused. */
  readonly partial: boolean;
}

export interface Deployed {
  /** By stack and output name. */
  readonly outputs: Readonly<Record<string, Outputs>>;
  readonly leftOut: readonly LeftOut[];
}

/**
 * Deploys stacks, each after those it depends on. Nothing is created of templates that are wrong in themselves. Where a
 * resource cannot be created, the others are tried all the same, so that a `DeployError` lists all that is wrong.
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
