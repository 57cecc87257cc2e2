import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';
import { createConditions } from './conditions.ts';
import type { Compile, Names } from './context.ts';
import { attribute, type Expression, literal, NO_VALUE, reference } from './expression.ts';
import type { Place, Problems } from './problems.ts';
import type { Template } from './template.ts';

/** The longest name that all services accept (a function's: 64 characters). */
const MAX_NAME_LENGTH = 64;
const HASH_LENGTH = 8;

/** Makes a name for a resource without one: readable, and the same after a restart. */
export function physicalName(stackName: string, logicalId: string): string {
  const hash = createHash('sha256').update(`${stackName}/${logicalId}`).digest('hex').slice(0, HASH_LENGTH);
  const readable = `${stackName}-${logicalId}`.slice(0, MAX_NAME_LENGTH - HASH_LENGTH - 1);
  return `${readable}-${hash}`;
}

/**
 * Creates the names that a template's values may use: pseudo parameters, parameters, and the resources whose condition
 * holds.
 */
export function createNames(
  template: Template,
  parameters: ReadonlyMap<string, Expression>,
  stackName: string,
  compile: Compile,
  problems: Problems,
): Names {
  const constants = pseudoParameters(stackName);
  for (const [name, value] of parameters) constants.set(name, value);
  const condition = createConditions(template, constants, stackName, compile, problems);
  const isCreated = (logicalId: string, place: Place, problem: string): boolean => {
    const resource = template.resources.get(logicalId);
    if (!resource) problems.add(place, problem);
    else if (resource.condition === undefined || condition(resource.condition, place)) return true;
    else problems.add(place, `resource ${logicalId} does not exist: its condition ${resource.condition} does not hold`);
    return false;
  };
  return {
    mappings: template.mappings,
    condition,
    reference(name, place) {
      const problem = `Ref to "${name}", which is neither a parameter nor a resource of this stack`;
      return constants.get(name) ?? (isCreated(name, place, problem) ? reference(name) : undefined);
    },
    attribute(logicalId, name, place) {
      const problem = `Fn::GetAtt of "${logicalId}.${name}", but this stack has no resource "${logicalId}"`;
      return isCreated(logicalId, place, problem) ? attribute(logicalId, name, place) : undefined;
    },
  };
}

function pseudoParameters(stackName: string): Map<string, Expression> {
  const id = createHash('sha256').update(stackName).digest('hex').slice(0, 12);
  return new Map([
    ['AWS::AccountId', literal(LOCAL_ACCOUNT)],
    ['AWS::NoValue', NO_VALUE],
    ['AWS::NotificationARNs', literal([])],
    ['AWS::Partition', literal('aws')],
    ['AWS::Region', literal(LOCAL_REGION)],
    ['AWS::StackId', literal(`arn:aws:cloudformation:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stack/${stackName}/${id}`)],
    ['AWS::StackName', literal(stackName)],
    ['AWS::URLSuffix', literal('amazonaws.com')],
  ]);
}
