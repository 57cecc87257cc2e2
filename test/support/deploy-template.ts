import { propertyError } from '../../local/resource-properties.ts';
import type { Resource, ResourceProvider } from '../../local/service.ts';
import { deploy, type Deployed as Result } from '../../local/template/deploy.ts';
import type { Stack } from '../../local/template/stack.ts';

export interface Deployed extends Result {
  /** The created resources, in order. */
  readonly created: readonly Resource[];
}

/**
 * Deploys templates with one resource type, `Test::Thing`, that takes the properties `Value`, `Name`, `Code` and `Owner` and ignores `Tags`.
 * Its `Ref` is `ref-LogicalId`, its attribute `Arn` is `arn-LogicalId`. A thing named `broken`, or with an owner, cannot be created.
 */
export async function deployTemplates(
  documents: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, string>> = {},
  { partial = false, ...more }: Partial<Stack> & { readonly partial?: boolean } = {},
): Promise<Deployed> {
  const created: Resource[] = [];
  const thing: ResourceProvider = {
    type: 'Test::Thing',
    properties: ['Value', 'Name', 'Code', 'Owner'],
    inertProperties: ['Tags'],
    create(resource) {
      if (resource.properties['Name'] === 'broken') throw new Error('Name: "broken" is not supported');
      const { Owner } = resource.properties;
      if (Owner !== undefined) throw propertyError(resource, 'Owner', `names nothing: ${Owner}`);
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
  const result = await deploy(stacks, {
    providers: [thing],
    parameters: new Map(Object.entries(parameters)),
    resolveReferences: (text) => text.replace('{{resolve:ssm:/key}}', 'from the store'),
    storedParameter: (name) => (name === '/key' ? 'from the store' : undefined),
    partial,
  });
  return { created, ...result };
}

/** Deploys a template with one resource and one property. Returns the property's resolved value. */
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
