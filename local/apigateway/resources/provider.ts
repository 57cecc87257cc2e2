import type { Clock } from '../../clock.ts';
import type { Log, Provisioned, Resource, ResourceProvider } from '../../service.ts';
import { resourceId } from '../ids.ts';
import type { Api, Apis } from '../model.ts';
import { type Properties, readProperties } from './properties.ts';

/** What the providers work with. */
export interface Provisioning {
  readonly apis: Apis;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ProviderOptions {
  /** The type's name behind `AWS::ApiGatewayV2::`. */
  readonly type: string;
  readonly properties: readonly string[];
  readonly inertProperties?: readonly string[];
  readonly create: (properties: Properties, resource: Resource) => Provisioned;
}

/** A provider of one `AWS::ApiGatewayV2` type. */
export function provider({ type, create, ...honoured }: ProviderOptions): ResourceProvider {
  return {
    type: `AWS::ApiGatewayV2::${type}`,
    ...honoured,
    create: (resource) => create(readProperties(resource), resource),
  };
}

/** A part of an API, whose `Ref` is its id, which one attribute repeats. */
export function part(resource: Resource, idAttribute: string): Provisioned {
  const id = partId(resource);
  return { ref: id, attributes: { [idAttribute]: id } };
}

/** Stable over restarts. */
export function partId({ stackName, logicalId }: Resource): string {
  return resourceId(7, stackName, logicalId);
}

/** The API named by the property `ApiId`. */
export function apiOf(apis: Apis, properties: Properties): Api {
  const apiId = properties.requiredString('ApiId');
  return apis.get(apiId) ?? properties.refuse('ApiId', `names no WebSocket API of this application: ${apiId}`);
}
