import { resolve } from 'node:path';
import { isObject, type JsonObject, mapTexts, readJsonFile } from '../json.ts';
import { PropertyError } from '../resource-properties.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Provisioned, type Resource } from '../service.ts';
import { type Catalogue, NESTED_STACK } from './catalogue.ts';
import { NotCreated, type Scope, ValueError } from './expression.ts';
import { createStackLeftOut, type LeftOut } from './left-out.ts';
import { physicalName } from './names.ts';
import { type PlannedResource, type PlannedStack, planStacks } from './plan.ts';
import { type Problems, sentence } from './problems.ts';
import type { Stack } from './stack.ts';
import { asText } from './values.ts';

/** The outputs of one stack. */
export type Outputs = Readonly<Record<string, string>>;

/** The state that the stacks of one deployment share. */
export interface Deployment {
  readonly catalogue: Catalogue;
  /** The exports of the stacks so far. */
  readonly exported: Map<string, unknown>;
  /** Replaces dynamic references. */
  readonly resolveReferences: (text: string) => string;
  /** Returns the value of a parameter in the parameter store, or `undefined` if it does not exist. */
  readonly storedParameter: (name: string) => string | undefined;
  readonly problems: Problems;
  /** The resources that are left out, in order. */
  readonly leftOut: LeftOut[];
}

/**
 * Creates the resources of a stack. It leaves out a resource that fails, which may be a problem, and tries the others, to
 * report all problems. It does not try a resource that depends on one with mistakes.
 */
export async function createStack(plan: PlannedStack, deployment: Deployment): Promise<Outputs> {
  const { problems, exported } = deployment;
  const created = new Map<string, Provisioned>();
  const leftOut = createStackLeftOut(deployment.leftOut);
  const scope: Scope = {
    resource(logicalId) {
      const resource = created.get(logicalId);
      if (!resource) throw new NotCreated(logicalId);
      return resource;
    },
    exported(name) {
      // A failed stack may have the export.
      if (!exported.has(name) && problems.count() > 0) throw new NotCreated(name);
      return exported.get(name);
    },
    stored: deployment.storedParameter,
  };
  const ids = new Set(plan.resources.map(({ logicalId }) => logicalId));
  for (const planned of plan.resources) {
    if ([...planned.needs].some((need) => ids.has(need) && !created.has(need))) continue;
    const owner = deployment.catalogue.partOf(planned.type);
    try {
      if (leftOut.isIn(planned, owner)) throw new Refused('what it is a part of is left out');
      created.set(planned.logicalId, await createResource(planned, plan.stack, scope, deployment));
    } catch (error) {
      if (error instanceof NotCreated) continue;
      if (error instanceof ValueError) {
        problems.addSentence(error.message);
        continue;
      }
      const reason = reasonOf(error, planned);
      const own = deployment.catalogue.leaveOut(resourceOf(planned, plan.stack, leniently(planned, scope)), reason);
      created.set(planned.logicalId, own);
      const property = error instanceof PropertyError ? error.property : owner;
      const hasOwnReason = leftOut.add(planned, property, reason, own.ref);
      // What its properties say of it has been refused with the plan.
      if (hasOwnReason && planned.refusals.length === 0) problems.addRefusal(reason);
    }
  }
  return readOutputs(plan, scope, deployment);
}

/** Removes the name of the resource from a provider's message: `LogicalId (Type): …` or `LogicalId (Type) in Stack: …`. */
function reasonOf(error: unknown, { place, logicalId, type }: PlannedResource): string {
  const message = error instanceof Error ? error.message : String(error);
  const named = [`${logicalId} (${type}) in ${place.stackName}: `, `${logicalId} (${type}): `];
  const prefix = named.find((candidate) => message.startsWith(candidate)) ?? '';
  const element = error instanceof Refused ? place.element : `${place.element} (${type})`;
  return sentence({ ...place, ...(element !== undefined && { element }) }, message.slice(prefix.length));
}

/** Checks whether the local cloud can create a resource with any properties. */
class Refused extends Error {}

async function createResource(
  planned: PlannedResource,
  stack: Stack,
  scope: Scope,
  deployment: Deployment,
): Promise<Provisioned> {
  if (planned.refusals.length > 0) throw new Refused(planned.refusals.join('; '));
  const properties: Record<string, unknown> = {};
  for (const [name, value] of planned.properties) {
    const result = value.evaluate(scope);
    if (result !== undefined) properties[name] = mapTexts(result, deployment.resolveReferences);
  }
  if (planned.type === NESTED_STACK) return createNested(planned, properties, stack, deployment);
  return deployment.catalogue.create(resourceOf(planned, stack, properties));
}

/** Returns the properties of a resource that is left out, if they have values. */
function leniently({ properties }: PlannedResource, scope: Scope): JsonObject {
  const entries = [...properties].flatMap(([name, value]) => {
    try {
      return [[name, value.evaluate(scope)]];
    } catch (error) {
      if (error instanceof ValueError || error instanceof NotCreated) return [];
      throw error;
    }
  });
  return Object.fromEntries(entries);
}

function resourceOf({ logicalId, type, metadata }: PlannedResource, stack: Stack, properties: JsonObject): Resource {
  return {
    stackName: stack.name,
    logicalId,
    type,
    physicalName: physicalName(stack.name, logicalId),
    properties,
    assetDirectory: stack.assetDirectory,
    metadata,
  };
}

/**
 * Deploys a nested stack. Its template is an asset, or a path beside the parent's. Its outputs are attributes
 * `Outputs.Name`.
 */
async function createNested(
  planned: PlannedResource,
  properties: JsonObject,
  parent: Stack,
  deployment: Deployment,
): Promise<Provisioned> {
  const { place, metadata, logicalId } = planned;
  const url = asText(properties['TemplateURL'], place);
  const file = metadata['aws:asset:path'] ?? parent.assets.get(url.slice(url.lastIndexOf('/') + 1)) ?? url;
  const name = physicalName(parent.name, logicalId);
  const given = new Map<string, string>();
  for (const [parameter, value] of Object.entries(isObject(properties['Parameters']) ? properties['Parameters'] : {})) {
    given.set(parameter, Array.isArray(value) ? value.join(',') : asText(value, place));
  }
  const stack = { ...parent, name, document: readJsonFile(resolve(parent.assetDirectory, asText(file, place))) };
  const attributes: Record<string, string> = {};
  const before = deployment.problems.count();
  for (const plan of planStacks([stack], given, deployment.catalogue, deployment.problems) ?? []) {
    for (const [output, value] of Object.entries(await createStack(plan, deployment))) {
      attributes[`Outputs.${output}`] = value;
    }
  }
  if (deployment.problems.count() > before) throw new NotCreated(logicalId);
  return { ref: `arn:aws:cloudformation:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stack/${name}`, attributes };
}

function readOutputs(plan: PlannedStack, scope: Scope, { exported, problems }: Deployment): Outputs {
  const outputs = new Map<string, string>();
  for (const [name, { place, value, exportName }] of plan.outputs) {
    try {
      const output = asText(value.evaluate(scope), place);
      outputs.set(name, output);
      if (exportName) exported.set(asText(exportName.evaluate(scope), place), output);
    } catch (error) {
      if (error instanceof ValueError) problems.addSentence(error.message);
      else if (!(error instanceof NotCreated)) throw error;
    }
  }
  return Object.fromEntries(outputs);
}
