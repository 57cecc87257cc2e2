import type { Provisioned, Resource, ResourceProvider } from '../service.ts';
import { INERT_TYPES } from './inert.ts';
import { standIn } from './stand-in.ts';

/** The resource types of the local cloud. */
export interface Catalogue {
  /** Returns a sentence for each reason not to create a resource of this type with these properties. */
  refusal(type: string, properties: readonly string[]): readonly string[];
  create(resource: Resource): Promise<Provisioned> | Provisioned;
  /** Whether the local cloud knows the type. */
  knows(type: string): boolean;
  /** Returns the property that names the owner of a resource of this type, if it always has one. */
  partOf(type: string): string | undefined;
  /** Makes a stand-in for a resource that is left out, so that others can refer to it. */
  leaveOut(resource: Resource, reason: string): Provisioned;
}

/** A nested stack consists of the other types. The catalogue checks its properties as it checks theirs. */
export const NESTED_STACK = 'AWS::CloudFormation::Stack';
const NESTED_STACK_PROPERTIES = new Set(['TemplateURL', 'Parameters', 'Tags', 'TimeoutInMinutes']);

export function createCatalogue(providers: readonly ResourceProvider[]): Catalogue {
  const byType = new Map(providers.map((provider) => [provider.type, provider]));
  return {
    refusal(type, properties) {
      if (INERT_TYPES.has(type)) return [];
      const provider = byType.get(type);
      if (!provider && type !== NESTED_STACK) return [`the local cloud does not support the resource type ${type}`];
      const known = provider
        ? new Set([...provider.properties, ...(provider.inertProperties ?? [])])
        : NESTED_STACK_PROPERTIES;
      return properties
        .filter((property) => !known.has(property))
        .map((property) => `the local cloud does not support the property ${property} of ${type}`);
    },
    create(resource) {
      const inert = INERT_TYPES.get(resource.type);
      if (inert) return inert(resource);
      const provider = byType.get(resource.type);
      if (!provider) throw new Error(`the local cloud does not support the resource type ${resource.type}`);
      return provider.create(resource);
    },
    partOf: (type) => byType.get(type)?.partOf,
    knows: (type) => INERT_TYPES.has(type) || byType.has(type) || type === NESTED_STACK,
    leaveOut: (resource, reason) => byType.get(resource.type)?.leaveOut?.(resource, reason) ?? standIn(resource),
  };
}
