import type { ResourceProvider } from '../service.ts';
import type { Stack } from './app.ts';
import { createCatalogue } from './catalogue.ts';
import { createStack, type Outputs } from './create.ts';
import { planStacks } from './plan.ts';

/**
 * Deploys stacks, each after those it depends on. `parameters` are given as `Name`, for every stack that declares it, or
 * as `StackName.Name`. Nothing is created before every stack has been understood; a `DeployError` lists all that is wrong.
 */
export async function deploy(
  stacks: readonly Stack[],
  providers: readonly ResourceProvider[],
  parameters: ReadonlyMap<string, string>,
): Promise<Readonly<Record<string, Outputs>>> {
  const catalogue = createCatalogue(providers);
  const exported = new Map<string, unknown>();
  const outputs: Record<string, Outputs> = {};
  for (const plan of planStacks(stacks, parameters, catalogue)) {
    outputs[plan.stack.name] = await createStack(plan, { catalogue, exported });
  }
  return outputs;
}
