import { isObject, type JsonObject } from '../json.ts';
import { at, type Place, type Problems } from './problems.ts';

export interface TemplateResource {
  readonly type: string;
  readonly properties: JsonObject;
  readonly metadata: JsonObject;
  readonly dependsOn: readonly string[];
  readonly condition: string | undefined;
}

/** A CloudFormation template whose sections have the right shape. Their content is unchecked. */
export interface Template {
  readonly parameters: ReadonlyMap<string, JsonObject>;
  readonly mappings: JsonObject;
  readonly conditions: JsonObject;
  readonly resources: ReadonlyMap<string, TemplateResource>;
  readonly outputs: ReadonlyMap<string, JsonObject>;
}

/** Sections that the local cloud reads, or that have no effect at run time. */
const SECTIONS = new Set([
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Rules',
  'Resources',
  'Outputs',
]);

/** Resource attributes that the local cloud reads, or that only matter for an update or a deletion. */
const RESOURCE_ATTRIBUTES = new Set([
  'Type',
  'Properties',
  'Metadata',
  'DependsOn',
  'Condition',
  'DeletionPolicy',
  'UpdateReplacePolicy',
  'UpdatePolicy',
]);

/** The rule that the CDK adds to every stack: it wants a bootstrapped account, which does not exist here. */
const CDK_BOOTSTRAP_RULE = 'CheckBootstrapVersion';

/** Reads the sections of a parsed template. Each wrong shape is a problem. */
export function readTemplate(document: unknown, stackName: string, problems: Problems): Template {
  const place = { stackName };
  const root = asObject(document, place, problems);
  for (const section of Object.keys(root)) {
    if (!SECTIONS.has(section)) problems.add(place, `the template section "${section}" is not supported`);
  }
  for (const rule of Object.keys(section(root, 'Rules', place, problems))) {
    if (rule !== CDK_BOOTSTRAP_RULE) problems.add({ ...place, element: `rule ${rule}` }, 'rules are not supported');
  }
  if (root['Resources'] === undefined) problems.add(place, 'the template has no "Resources"');
  return {
    parameters: objects(root, 'Parameters', 'parameter', place, problems),
    mappings: section(root, 'Mappings', place, problems),
    conditions: section(root, 'Conditions', place, problems),
    resources: readResources(root, place, problems),
    outputs: objects(root, 'Outputs', 'output', place, problems),
  };
}

function readResources(root: JsonObject, place: Place, problems: Problems): Map<string, TemplateResource> {
  const resources = new Map<string, TemplateResource>();
  for (const [logicalId, value] of objects(root, 'Resources', 'resource', place, problems)) {
    const here = { ...place, element: `resource ${logicalId}` };
    const type = value['Type'];
    if (typeof type !== 'string') {
      problems.add(here, 'it has no "Type"');
      continue;
    }
    for (const attribute of Object.keys(value)) {
      if (!RESOURCE_ATTRIBUTES.has(attribute)) {
        problems.add(here, `the resource attribute "${attribute}" is not supported`);
      }
    }
    resources.set(logicalId, {
      type,
      properties: section(value, 'Properties', here, problems),
      metadata: section(value, 'Metadata', here, problems),
      dependsOn: readDependsOn(value['DependsOn'], here, problems),
      condition: readCondition(value['Condition'], here, problems),
    });
  }
  return resources;
}

function readDependsOn(value: unknown, place: Place, problems: Problems): string[] {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value];
  if (list.every((item) => typeof item === 'string')) return list;
  problems.add(at(place, 'DependsOn'), 'expected a logical id or a list of them');
  return [];
}

function readCondition(value: unknown, place: Place, problems: Problems): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  problems.add(at(place, 'Condition'), 'expected the name of a condition');
  return undefined;
}

/** Returns the section `name`, whose entries must be objects. */
function objects(root: JsonObject, name: string, element: string, place: Place, problems: Problems) {
  const found = new Map<string, JsonObject>();
  for (const [key, value] of Object.entries(section(root, name, place, problems))) {
    found.set(key, asObject(value, { ...place, element: `${element} ${key}` }, problems));
  }
  return found;
}

function section(root: JsonObject, name: string, place: Place, problems: Problems): JsonObject {
  return root[name] === undefined ? {} : asObject(root[name], at(place, name), problems);
}

function asObject(value: unknown, place: Place, problems: Problems): JsonObject {
  if (isObject(value)) return value;
  problems.add(place, `expected an object, got ${JSON.stringify(value)}`);
  return {};
}
