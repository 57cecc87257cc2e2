import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isObject, type JsonObject } from '../json.ts';
import type { Catalogue } from './catalogue.ts';
import { compile } from './compile.ts';
import type { Context } from './context.ts';
import type { Expression } from './expression.ts';
import { createNames } from './names.ts';
import { inOrder } from './order.ts';
import { readParameters } from './parameters.ts';
import { at, createProblems, type Place, type Problems, sentence } from './problems.ts';
import type { Stack } from './stack.ts';
import { readTemplate, type Template, type TemplateResource } from './template.ts';

/** A resource that is ready for creation once its needs exist. */
export interface PlannedResource {
  readonly logicalId: string;
  readonly type: string;
  readonly place: Place;
  readonly properties: ReadonlyMap<string, Expression>;
  readonly metadata: JsonObject;
  /** The logical ids of the resources that have to exist first. */
  readonly needs: ReadonlySet<string>;
  /** The reasons not to create it with any property values, one sentence each. */
  readonly refusals: readonly string[];
}

export interface PlannedOutput {
  readonly place: Place;
  readonly value: Expression;
  readonly exportName?: Expression;
}

/** A stack whose template is compiled. No resource exists yet. */
export interface PlannedStack {
  readonly stack: Stack;
  /** The resources, each after its needs. */
  readonly resources: readonly PlannedResource[];
  readonly outputs: ReadonlyMap<string, PlannedOutput>;
}

/**
 * Compiles stacks together: first their parameters, because conditions and names depend on them, then the rest. Adds all
 * problems to `problems`. Returns nothing for templates with mistakes.
 */
export function planStacks(
  stacks: readonly Stack[],
  given: ReadonlyMap<string, string>,
  catalogue: Catalogue,
  problems: Problems,
): readonly PlannedStack[] | undefined {
  const before = problems.count();
  const read = stacks.map((stack) => ({ stack, template: readTemplate(stack.document, stack.name, problems) }));
  const parameters = assignParameters(read, given, problems);
  if (problems.count() > before) {
    for (const { stack, template } of read) refuseResources(stack, template, catalogue, problems);
    return undefined;
  }
  const plans = read.map(({ stack, template }) =>
    planStack(stack, template, parameters.get(stack.name) ?? new Map(), catalogue, problems),
  );
  return problems.count() > before ? undefined : plans;
}

/** Refuses resources that fail with any values of parameters. So one attempt reports them, too. */
function refuseResources(stack: Stack, template: Template, catalogue: Catalogue, problems: Problems): void {
  for (const [logicalId, { type, properties, condition }] of template.resources) {
    if (condition !== undefined) continue;
    const place = { stackName: stack.name, element: `resource ${logicalId}` };
    for (const refusal of catalogue.refusal(type, Object.keys(properties))) {
      problems.addRefusal(sentence(place, refusal));
    }
  }
}

/** Returns the parameters of each stack, by the stack's name. A value that no stack uses has a mistyped name. */
function assignParameters(
  stacks: readonly { readonly stack: Stack; readonly template: Template }[],
  given: ReadonlyMap<string, string>,
  problems: Problems,
): Map<string, ReadonlyMap<string, Expression>> {
  const unused = new Set(given.keys());
  const parameters = new Map<string, ReadonlyMap<string, Expression>>();
  for (const { stack, template } of stacks) {
    const own = new Map<string, string>();
    for (const name of template.parameters.keys()) {
      for (const key of [name, `${stack.name}.${name}`]) {
        const value = given.get(key);
        if (value !== undefined) own.set(name, value);
        unused.delete(key);
      }
    }
    parameters.set(stack.name, readParameters(template.parameters, own, stack.name, problems));
  }
  for (const name of unused) problems.addSentence(`no stack has the parameter "${name}", which has a value`);
  return parameters;
}

/** Compiles a stack, and adds everything that prevents its deployment to `problems`. */
function planStack(
  stack: Stack,
  template: Template,
  parameters: ReadonlyMap<string, Expression>,
  catalogue: Catalogue,
  problems: Problems,
): PlannedStack {
  const place = { stackName: stack.name };
  const names = createNames(template, parameters, stack.name, compile, problems);
  const context: Context = { names, problems, place, inConditions: false, compile };
  for (const name of Object.keys(template.conditions)) names.condition(name, place);

  const resources = new Map<string, PlannedResource>();
  for (const [logicalId, resource] of template.resources) {
    const here = { ...context, place: { ...place, element: `resource ${logicalId}` } };
    if (resource.condition !== undefined && !names.condition(resource.condition, at(here.place, 'Condition'))) continue;
    resources.set(logicalId, planResource(logicalId, resource, stack, template, catalogue, here));
  }
  const { order, cycles } = inOrder(new Map([...resources].map(([id, resource]) => [id, resource.needs])));
  for (const cycle of cycles) {
    problems.add({ ...place, element: `resource ${cycle[0]}` }, `it depends on itself: ${cycle.join(' → ')}`);
  }
  return {
    stack,
    resources: order.flatMap((id) => resources.get(id) ?? []),
    outputs: planOutputs(template, context),
  };
}

function planResource(
  logicalId: string,
  resource: TemplateResource,
  stack: Stack,
  template: Template,
  catalogue: Catalogue,
  context: Context,
): PlannedResource {
  const { place } = context;
  // The properties of an unknown type are unknown as well.
  const problems = catalogue.knows(resource.type) ? context.problems : createProblems(true);
  const properties = new Map<string, Expression>();
  for (const [name, value] of Object.entries(resource.properties)) {
    properties.set(name, compile(value, { ...context, problems, place: at(at(place, 'Properties'), name) }));
  }
  const refusals = catalogue.refusal(resource.type, [...properties.keys()]);
  for (const refusal of refusals) context.problems.addRefusal(sentence(place, refusal));
  const needs = new Set([...properties.values()].flatMap((value) => value.needs));
  for (const id of resource.dependsOn) {
    if (template.resources.has(id)) needs.add(id);
    else problems.add(at(place, 'DependsOn'), `this stack has no resource "${id}"`);
  }
  const metadata = withAssetPath(resource, stack);
  checkAsset(metadata, stack, place, problems);
  return { logicalId, type: resource.type, place, properties, metadata, needs, refusals };
}

function planOutputs(template: Template, context: Context): Map<string, PlannedOutput> {
  const outputs = new Map<string, PlannedOutput>();
  for (const [name, output] of template.outputs) {
    const here = { ...context, place: { ...context.place, element: `output ${name}` } };
    const condition = output['Condition'];
    if (typeof condition === 'string' && !context.names.condition(condition, at(here.place, 'Condition'))) continue;
    const exportName = isObject(output['Export']) ? output['Export']['Name'] : undefined;
    outputs.set(name, {
      place: here.place,
      value: compile(output['Value'], { ...here, place: at(here.place, 'Value') }),
      ...(exportName === undefined
        ? {}
        : { exportName: compile(exportName, { ...here, place: at(here.place, 'Export') }) }),
    });
  }
  return outputs;
}

/**
 * Adds `aws:asset:path`, which the CDK writes only under its CLI. The asset manifest has the path as well, by the object key
 * in the code's S3 location.
 */
function withAssetPath(resource: TemplateResource, stack: Stack): JsonObject {
  if (resource.metadata['aws:asset:path'] !== undefined) return resource.metadata;
  for (const property of ['Code', 'Content']) {
    const location = resource.properties[property];
    const key = isObject(location) ? location['S3Key'] : undefined;
    const path = typeof key === 'string' ? stack.assets.get(key) : undefined;
    if (path !== undefined) {
      return { ...resource.metadata, 'aws:asset:path': path, 'aws:asset:property': property };
    }
  }
  return resource.metadata;
}

function checkAsset(metadata: JsonObject, stack: Stack, place: Place, problems: Problems): void {
  const path = metadata['aws:asset:path'];
  if (path === undefined) return;
  const file = typeof path === 'string' ? resolve(stack.assetDirectory, path) : String(path);
  if (!existsSync(file)) problems.add(place, `its asset ${file} does not exist; synthesize the app again`);
}
