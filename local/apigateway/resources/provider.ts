import * as v from 'valibot';
import type { Clock } from '../../clock.ts';
import { propertyError, readProperties } from '../../resource-properties.ts';
import type { Log, Provisioned, Resource, ResourceProvider } from '../../service.ts';
import { resourceId } from '../ids.ts';
import type { Api, Apis } from '../model.ts';

/** The common parts of the providers. */
export interface Provisioning {
  readonly apis: Apis;
  readonly clock: Clock;
  readonly log: Log;
}

/** @throws Error naming the resource and the property */
export type Refuse = (property: string, problem: string) => never;

export interface ProviderOptions<Entries extends v.ObjectEntries> {
  /** The type's name after `AWS::ApiGatewayV2::`. */
  readonly type: string;
  /** The properties with an effect. */
  readonly properties: Entries;
  readonly inertProperties?: readonly string[];
  readonly create: (
    properties: v.InferOutput<v.ObjectSchema<Entries, undefined>>,
    resource: Resource,
    refuse: Refuse,
  ) => Provisioned;
}

/** Makes the provider of one `AWS::ApiGatewayV2` type. */
export function provider<const Entries extends v.ObjectEntries>(options: ProviderOptions<Entries>): ResourceProvider {
  const { type, properties, inertProperties = [], create } = options;
  const schema = v.object(properties);
  return {
    type: `AWS::ApiGatewayV2::${type}`,
    properties: Object.keys(properties),
    inertProperties,
    ...(properties['ApiId'] && { partOf: 'ApiId' }),
    create: (resource) => {
      const refuse: Refuse = (property, problem) => {
        throw propertyError(resource, property, problem);
      };
      return create(readProperties(resource, schema), resource, refuse);
    },
  };
}

/** Makes a part of an API. Its `Ref` is its id, and one attribute has the same value. */
export function part(resource: Resource, idAttribute: string): Provisioned {
  const id = partId(resource);
  return { ref: id, attributes: { [idAttribute]: id } };
}

/** Makes an id that is the same after a restart. */
export function partId({ stackName, logicalId }: Resource): string {
  return resourceId(7, stackName, logicalId);
}

/** Returns the API of a part. */
export function apiOf(apis: Apis, apiId: string, refuse: Refuse): Api {
  return apis.get(apiId) ?? refuse('ApiId', `names no WebSocket API of this application: ${apiId}`);
}
