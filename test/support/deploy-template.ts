import type { Resource, ResourceProvider } from '../../local/service.ts';
import type { Stack } from '../../local/template/app.ts';
import type { Outputs } from '../../local/template/create.ts';
import { deploy } from '../../local/template/deploy.ts';

export interface Deployed {
  /** What was created, in order. */
  readonly created: readonly Resource[];
  readonly outputs: Readonly<Record<string, Outputs>>;
}

/**
 * Deploys templates with one resource type, `Test::Thing`, that takes the properties `Value`, `Name` and `Code` and ignores `Tags`.
 * Its `Ref` is `ref-LogicalId`, its attribute `Arn` is `arn-LogicalId`. A thing named `broken` cannot be created.
 */
export async function deployTemplates(
  documents: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, string>> = {},
  more: Partial<Stack> = {},
): Promise<Deployed> {
  const created: Resource[] = [];
  const thing: ResourceProvider = {
    type: 'Test::Thing',
    properties: ['Value', 'Name', 'Code'],
    inertProperties: ['Tags'],
    create(resource) {
      if (resource.properties['Name'] === 'broken') throw new Error('Name: "broken" is not supported');
      created.push(resource);
      return { ref: `ref-${resource.logicalId}`, attributes: { Arn: `arn-${resource.logicalId}` } };
    },
  };
  const stacks = Object.entries(documents).map(([name, document]) => ({
    name,
    document,
    assetDirectory: '/nowhere',
    assets: new Map<string, string>(),
    ...more,
  }));
  const outputs = await deploy(stacks, {
    providers: [thing],
    parameters: new Map(Object.entries(parameters)),
    resolveReferences: (text) => text.replace('{{resolve:ssm:/key}}', 'from the store'),
  });
  return { created, outputs };
}

/** Deploys a template that is one resource with one property, and gives what that property's value became. */
export async function resolveValue(
  value: unknown,
  sections: Readonly<Record<string, unknown>> = {},
  parameters: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const Resources = {
    Other: { Type: 'Test::Thing' },
    Asked: { Type: 'Test::Thing', Properties: { Value: value } },
  };
  const { created } = await deployTemplates({ App: { Resources, ...sections } }, parameters);
  return created.find(({ logicalId }) => logicalId === 'Asked')?.properties['Value'];
}
