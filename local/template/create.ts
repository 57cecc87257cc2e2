import { resolve } from 'node:path';
import { isObject, type JsonObject, mapTexts, readJsonFile } from '../json.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Provisioned } from '../service.ts';
import type { Stack } from './app.ts';
import { type Catalogue, NESTED_STACK } from './catalogue.ts';
import { type Scope, ValueError } from './expression.ts';
import { physicalName } from './names.ts';
import { type PlannedResource, type PlannedStack, planStacks } from './plan.ts';
import { createProblems, sentence } from './problems.ts';
import { asText } from './values.ts';

/** The outputs of one stack. */
export type Outputs = Readonly<Record<string, string>>;

/** What the stacks of one deployment share. */
export interface Deployment {
  readonly catalogue: Catalogue;
  /** Values exported by the stacks deployed so far. */
  readonly exported: Map<string, unknown>;
  /** Puts values in the place of dynamic references. */
  readonly resolveReferences: (text: string) => string;
}

/** Creates what a stack consists of. What does not depend on something that failed is tried, too, so as to report all. */
export async function createStack(plan: PlannedStack, deployment: Deployment): Promise<Outputs> {
  const problems = createProblems();
  const created = new Map<string, Provisioned>();
  const failed = new Set<string>();
  const scope: Scope = {
    resource(logicalId) {
      const resource = created.get(logicalId);
      if (!resource) throw new Error(`${logicalId} was needed before it was created`);
      return resource;
    },
    exported: (name) => deployment.exported.get(name),
  };
  for (const resource of plan.resources) {
    if ([...resource.needs].some((need) => failed.has(need))) {
      failed.add(resource.logicalId);
      continue;
    }
    try {
      created.set(resource.logicalId, await createResource(resource, plan.stack, scope, deployment));
    } catch (error) {
      failed.add(resource.logicalId);
      problems.addSentence(failure(error, resource));
    }
  }
  problems.throwIfAny();
  return readOutputs(plan, scope, deployment);
}

/** Providers may name the resource themselves: as `LogicalId (Type): …` or `LogicalId (Type) in Stack: …`. */
function failure(error: unknown, { place, logicalId, type }: PlannedResource): string {
  if (error instanceof ValueError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  const named = [`${logicalId} (${type}) in ${place.stackName}: `, `${logicalId} (${type}): `];
  const prefix = named.find((candidate) => message.startsWith(candidate)) ?? '';
  return sentence({ ...place, element: `${place.element} (${type})` }, message.slice(prefix.length));
}

async function createResource(
  planned: PlannedResource,
  stack: Stack,
  scope: Scope,
  deployment: Deployment,
): Promise<Provisioned> {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of planned.properties) {
    const result = value.evaluate(scope);
    if (result !== undefined) properties[name] = mapTexts(result, deployment.resolveReferences);
  }
  if (planned.type === NESTED_STACK) return createNested(planned, properties, stack, deployment);
  return deployment.catalogue.create({
    stackName: stack.name,
    logicalId: planned.logicalId,
    type: planned.type,
    physicalName: physicalName(stack.name, planned.logicalId),
    properties,
    assetDirectory: stack.assetDirectory,
    metadata: planned.metadata,
  });
}

/** A nested stack: its template is an asset, or a path beside the parent's; its outputs are attributes `Outputs.Name`. */
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
  for (const plan of planStacks([stack], given, deployment.catalogue)) {
    for (const [output, value] of Object.entries(await createStack(plan, deployment))) {
      attributes[`Outputs.${output}`] = value;
    }
  }
  return { ref: `arn:aws:cloudformation:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stack/${name}`, attributes };
}

function readOutputs(plan: PlannedStack, scope: Scope, { exported }: Deployment): Outputs {
  const problems = createProblems();
  const outputs = new Map<string, string>();
  for (const [name, { place, value, exportName }] of plan.outputs) {
    try {
      const output = asText(value.evaluate(scope), place);
      outputs.set(name, output);
      if (exportName) exported.set(asText(exportName.evaluate(scope), place), output);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      problems.addSentence(error.message);
    }
  }
  problems.throwIfAny();
  return Object.fromEntries(outputs);
}
