import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import { type Json, type JsonAnswer, serveJson } from '../json-protocol.ts';
import { propertyError, readProperties } from '../resource-properties.ts';
import {
  type Authorize,
  AwsError,
  type AwsService,
  LOCAL_ACCOUNT,
  LOCAL_REGION,
  type Principal,
  type Provisioned,
  type Resource,
} from '../service.ts';

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
const MAX_PAGE = 10;

export interface SsmOptions {
  readonly clock: Clock;
  readonly authorize: Authorize;
}

export interface Ssm extends AwsService {
  /**
   * Returns the value of a parameter, for dynamic references.
   * @throws Error naming a missing parameter
   */
  read(name: string): string;
  /** Returns the value of a parameter, if it exists. */
  find(name: string): string | undefined;
}

interface Parameter {
  readonly name: string;
  readonly type: 'String' | 'StringList';
  readonly value: string;
  /** Epoch milliseconds. */
  readonly changedAt: number;
}

const properties = v.object({
  Name: v.optional(v.string()),
  Type: v.picklist(['String', 'StringList']),
  Value: v.string(),
  AllowedPattern: v.optional(v.string()),
  DataType: v.optional(v.literal('text')),
});

/** The service `ssm`: parameters of the template. CloudFormation cannot create a `SecureString`. */
export function createSsm({ clock, authorize }: SsmOptions): Ssm {
  const parameters = new Map<string, Parameter>();
  const find = (nameOrArn: string) => {
    const { name, selector } = parseName(nameOrArn);
    return selector === undefined || selector === '1' ? parameters.get(name) : undefined;
  };
  const check = (principal: Principal, operation: string) => (name: string) =>
    authorize(principal, `ssm:${operation}`, parameterArn(parseName(name).name));

  const operations: Readonly<Record<string, (principal: Principal, input: Json) => Json>> = {
    GetParameter(principal, input) {
      const name = textOf(input, 'Name');
      check(principal, 'GetParameter')(name);
      const parameter = find(name);
      if (!parameter) throw new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
      return { Parameter: describe(parameter) };
    },
    GetParameters(principal, input) {
      const names = namesOf(input);
      names.forEach(check(principal, 'GetParameters'));
      const found = names.map(find).filter((parameter) => parameter !== undefined);
      return { Parameters: found.map(describe), InvalidParameters: names.filter((name) => !find(name)) };
    },
    GetParametersByPath(principal, input) {
      if (input['ParameterFilters'] !== undefined) {
        throw new AwsError('ValidationException', 'ParameterFilters are not supported locally.');
      }
      const path = textOf(input, 'Path').replace(/\/$/, '');
      check(principal, 'GetParametersByPath')(path);
      const { Recursive, MaxResults = MAX_PAGE, NextToken = '' } = input;
      const below = [...parameters.values()]
        .filter(({ name }) => name.startsWith(`${path}/`))
        .filter(({ name }) => Recursive === true || !name.slice(path.length + 1).includes('/'))
        .sort((left, right) => (left.name < right.name ? -1 : 1))
        .filter(({ name }) => name > String(NextToken));
      const page = below.slice(0, Number(MaxResults));
      const last = page.at(-1);
      return { Parameters: page.map(describe), ...(below.length > page.length && last && { NextToken: last.name }) };
    },
  };

  return {
    name: 'ssm',
    providers: [
      {
        type: 'AWS::SSM::Parameter',
        properties: ['Name', 'Type', 'Value', 'AllowedPattern', 'DataType'],
        inertProperties: ['Description', 'Tags', 'Tier'],
        create: (resource) => createParameter(parameters, resource, clock.now()),
      },
    ],
    handle: (request) =>
      serveJson(request, '1.1', (operation, input): JsonAnswer => {
        const answer = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
        if (answer) return { statusCode: 200, body: answer(request.principal, input) };
        throw new AwsError('UnknownOperationException', `The SSM operation ${operation} is not supported locally.`);
      }),
    read(name) {
      const parameter = find(name);
      if (!parameter) throw new Error(`the SSM parameter ${name} does not exist`);
      return parameter.value;
    },
    find: (name) => find(name)?.value,
    async close() {},
  };
}

function createParameter(parameters: Map<string, Parameter>, resource: Resource, changedAt: number): Provisioned {
  const { Name, Type, Value, AllowedPattern } = readProperties(resource, properties);
  if (AllowedPattern !== undefined && !new RegExp(AllowedPattern).test(Value)) {
    throw propertyError(resource, 'Value', `does not match AllowedPattern ${AllowedPattern}`);
  }
  const name = Name ?? resource.physicalName;
  parameters.set(name, { name, type: Type, value: Value, changedAt });
  return { ref: name, attributes: { Type, Value } };
}

function describe({ name, type, value, changedAt }: Parameter): Json {
  return {
    ARN: parameterArn(name),
    DataType: 'text',
    LastModifiedDate: changedAt / 1000,
    Name: name,
    Type: type,
    Value: value,
    Version: 1,
  };
}

/** Returns a parameter's ARN: `…:parameter/path/name`, without a double slash, or `…:parameter/name`. */
function parameterArn(name: string): string {
  return `arn:aws:ssm:${LOCAL_REGION}:${LOCAL_ACCOUNT}:parameter/${name.replace(/^\//, '')}`;
}

/** Reads `name`, `name:version`, or the ARN. The name of a parameter with a path begins with a slash. */
function parseName(nameOrArn: string): { readonly name: string; readonly selector?: string } {
  const [, path = nameOrArn] = /^arn:aws:ssm:[^:]*:[^:]*:parameter\/(.*)$/.exec(nameOrArn) ?? [];
  const [name = '', selector] = path.split(':');
  const isHierarchical = path !== nameOrArn && name.includes('/');
  return { name: isHierarchical ? `/${name}` : name, ...(selector !== undefined && { selector }) };
}

function textOf(input: Json, name: string): string {
  const value = input[name];
  if (typeof value === 'string') return value;
  throw new AwsError('ValidationException', `${name} must be a text.`);
}

function namesOf(input: Json): string[] {
  const names = input['Names'];
  if (Array.isArray(names) && names.length >= 1 && names.length <= MAX_PAGE) return names.map(String);
  throw new AwsError('ValidationException', `Names must be a list of 1 to ${MAX_PAGE}.`);
}
