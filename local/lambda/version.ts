import * as v from 'valibot';
import { propertyError, readProperties } from '../resource-properties.ts';
import type { Provisioned, Resource } from '../service.ts';
import { qualifiedArn } from './function-name.ts';
import type { Functions } from './functions.ts';

export const VERSION_PROPERTIES = ['FunctionName'];
/** A function's code changes here only with a restart, which is also when there would be another version. */
export const INERT_VERSION_PROPERTIES = ['CodeSha256', 'Description', 'ProvisionedConcurrencyConfig', 'RuntimePolicy'];

export const ALIAS_PROPERTIES = ['FunctionName', 'FunctionVersion', 'Name', 'RoutingConfig'];
export const INERT_ALIAS_PROPERTIES = ['Description', 'ProvisionedConcurrencyConfig'];

const version = v.object({ FunctionName: v.string() });

const alias = v.object({
  FunctionName: v.string(),
  FunctionVersion: v.string(),
  Name: v.pipe(v.string(), v.regex(/^(?!\d+$)[\w-]{1,128}$/)),
  RoutingConfig: v.optional(v.strictObject({})),
});

/** Publishes a version of a function: a name for the deployed code. */
export function createVersion(resource: Resource, functions: Functions): Provisioned {
  const { FunctionName } = readProperties(resource, version);
  const target = functions.get(FunctionName);
  const Version = functions.publish(target);
  const arn = qualifiedArn({ name: target.configuration.name, qualifier: Version });
  return { ref: arn, attributes: { FunctionArn: arn, Version } };
}

/** Creates an alias: another name for a version. */
export function createAlias(resource: Resource, functions: Functions): Provisioned {
  const { FunctionName, FunctionVersion, Name } = readProperties(resource, alias);
  const target = functions.get(FunctionName);
  const { name } = target.configuration;
  try {
    functions.alias(target, Name, functions.resolve(name, FunctionVersion).version);
  } catch (error) {
    throw propertyError(resource, 'FunctionVersion', error instanceof Error ? error.message : String(error));
  }
  const arn = qualifiedArn({ name, qualifier: Name });
  return { ref: arn, attributes: { AliasArn: arn } };
}
