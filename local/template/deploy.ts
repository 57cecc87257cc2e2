import type { ResourceProvider } from '../service.ts';
import type { Stack } from './app.ts';
import { createCatalogue } from './catalogue.ts';
import { createStack, type Outputs } from './create.ts';
import { planStacks } from './plan.ts';

export interface DeployOptions {
  readonly providers: readonly ResourceProvider[];
  /** By `Name`, for every stack that declares it, or by `StackName.Name`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Puts values in the place of dynamic references (`{{resolve:ssm:…}}`). Throws an Error naming one without a value. */
  readonly resolveReferences: (text: string) => string;
}

/**
 * Deploys stacks, each after those it depends on. Nothing is created before every stack has been understood; a
 * `DeployError` lists all that is wrong.
 */
export async function deploy(
  stacks: readonly Stack[],
  { providers, parameters, resolveReferences }: DeployOptions,
): Promise<Readonly<Record<string, Outputs>>> {
  const catalogue = createCatalogue(providers);
  const exported = new Map<string, unknown>();
  const outputs = new Map<string, Outputs>();
  for (const plan of planStacks(stacks, parameters, catalogue)) {
    outputs.set(plan.stack.name, await createStack(plan, { catalogue, exported, resolveReferences }));
  }
  return Object.fromEntries(outputs);
}
