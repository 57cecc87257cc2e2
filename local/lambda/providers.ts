import { propertyError } from '../resource-properties.ts';
import {
  type Authorize,
  AwsError,
  type Log,
  type Provisioned,
  type Resource,
  type ResourceProvider,
} from '../service.ts';
import type { Queues } from '../sqs/index.ts';
import type { AsyncInvocations } from './async-invocations.ts';
import { readCode } from './code.ts';
import type { IssueCredentials } from './credentials.ts';
import type { Destinations } from './destinations.ts';
import {
  EVENT_INVOKE_CONFIG_PROPERTIES,
  type EventInvokeConfig,
  readEventInvokeConfig,
} from './event-invoke-config.ts';
import { EVENT_SOURCE_MAPPING_PROPERTIES, readEventSourceMapping } from './event-source-mapping.ts';
import {
  FUNCTION_PROPERTIES,
  type FunctionConfiguration,
  INERT_FUNCTION_PROPERTIES,
  readFunction,
} from './function-configuration.ts';
import type { Functions } from './functions.ts';
import { createLambdaFunction, type LambdaFunction, type Surroundings } from './lambda-function.ts';
import { createLeftOutFunction } from './left-out-function.ts';
import { PERMISSION_PROPERTIES, type Permission, readPermission } from './permission.ts';
import { requireRolePermissions } from './role-permissions.ts';
import { type Poller, startPoller } from './sqs-poller.ts';
import type { TaskRoots } from './task-roots.ts';
import {
  ALIAS_PROPERTIES,
  createAlias,
  createVersion,
  INERT_ALIAS_PROPERTIES,
  INERT_VERSION_PROPERTIES,
  VERSION_PROPERTIES,
} from './version.ts';

/** The parts that the resources of a template need, and the lists of the created ones. */
export interface Deployment {
  readonly functions: Functions;
  readonly permissions: Permission[];
  readonly eventInvokeConfigs: Map<LambdaFunction, EventInvokeConfig>;
  readonly pollers: Poller[];
  readonly taskRoots: TaskRoots;
  readonly surroundings: Surroundings;
  readonly destinations: Destinations;
  readonly authorize: Authorize;
  readonly queues: Queues | undefined;
  readonly reportStopped: AsyncInvocations['reportStopped'];
}

/** The providers of Lambda's CloudFormation types, without layers and function URLs. */
export function createProviders(deployment: Deployment): readonly ResourceProvider[] {
  return [
    {
      type: 'AWS::Lambda::Function',
      properties: FUNCTION_PROPERTIES,
      inertProperties: INERT_FUNCTION_PROPERTIES,
      create: (resource) => createFunction(resource, deployment),
      leaveOut: (resource, reason) => leaveOutFunction(resource, reason, deployment),
    },
    {
      type: 'AWS::Lambda::Version',
      properties: VERSION_PROPERTIES,
      inertProperties: INERT_VERSION_PROPERTIES,
      create: (resource) => createVersion(resource, deployment.functions),
    },
    {
      type: 'AWS::Lambda::Alias',
      properties: ALIAS_PROPERTIES,
      inertProperties: INERT_ALIAS_PROPERTIES,
      create: (resource) => createAlias(resource, deployment.functions),
    },
    {
      type: 'AWS::Lambda::Permission',
      properties: PERMISSION_PROPERTIES,
      create(resource) {
        deployment.permissions.push(readPermission(resource));
        return provisioned(resource);
      },
    },
    {
      type: 'AWS::Lambda::EventInvokeConfig',
      properties: EVENT_INVOKE_CONFIG_PROPERTIES,
      create: (resource) => createEventInvokeConfig(resource, deployment),
    },
    {
      type: 'AWS::Lambda::EventSourceMapping',
      properties: EVENT_SOURCE_MAPPING_PROPERTIES,
      inertProperties: ['KmsKeyArn', 'Tags'],
      create: (resource) => createEventSourceMapping(resource, deployment),
    },
  ];
}

async function createFunction(resource: Resource, deployment: Deployment): Promise<Provisioned> {
  const { functions, taskRoots, surroundings, destinations } = deployment;
  const configuration = readFunction(resource);
  requireAssumableRole(resource, configuration, surroundings.issueCredentials);
  const taskRoot = await taskRoots.unpack(readCode(resource, configuration.handler));
  nameMissing(configuration, await taskRoots.provideClients(taskRoot, resource.assetDirectory), surroundings.log);
  const bootstrapFile = await taskRoots.bootstrapFile();
  const created = createLambdaFunction(configuration, { taskRoot, bootstrapFile }, surroundings);
  const { deadLetterArn } = configuration;
  if (deadLetterArn !== undefined) destinations.check(deadLetterArn, created, resource, 'DeadLetterConfig.TargetArn');
  surroundings.concurrency.reserve(configuration);
  functions.add(created);
  return { ref: configuration.name, attributes: { Arn: configuration.arn } };
}

/** Adds a stand-in for a function that is left out: references find it, and its invocations fail with the reason. */
function leaveOutFunction(resource: Resource, reason: string, { functions, surroundings }: Deployment): Provisioned {
  const leftOut = createLeftOutFunction(resource, reason, surroundings.log);
  const { name, arn } = leftOut.configuration;
  // The name may be taken, which may be the reason.
  if (functions.all().every(({ configuration }) => configuration.name !== name)) functions.add(leftOut);
  return { ref: name, attributes: { Arn: arn } };
}

/**
 * Warns about packages of the SDK that AWS's runtime has and this machine lacks. That is no reason to refuse the function,
 * which may never load them: those of the CDK's own custom resources do not run here.
 */
function nameMissing({ name }: FunctionConfiguration, missing: readonly string[], log: Log): void {
  if (missing.length === 0) return;
  const problem = `its code uses ${missing.join(', ')}, which AWS's runtime has, and this machine lacks`;
  log({ level: 'warn', source: name, message: `${problem}: npm install --save-dev ${missing.join(' ')}` });
}

/** AWS refuses to create a function whose role does not trust Lambda. */
function requireAssumableRole(
  resource: Resource,
  { roleArn, name }: FunctionConfiguration,
  issue: IssueCredentials,
): void {
  try {
    issue(roleArn, name);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw propertyError(resource, 'Role', `Lambda cannot assume ${roleArn}: ${error.message}`);
  }
}

function createEventInvokeConfig(resource: Resource, deployment: Deployment): Provisioned {
  const { functionName, qualifier, ...config } = readEventInvokeConfig(resource);
  const { target } = deployment.functions.resolve(functionName, qualifier);
  for (const name of ['onSuccess', 'onFailure'] as const) {
    const arn = config[name];
    const property = `DestinationConfig.${name === 'onSuccess' ? 'OnSuccess' : 'OnFailure'}.Destination`;
    if (arn !== undefined) deployment.destinations.check(arn, target, resource, property);
  }
  deployment.eventInvokeConfigs.set(target, config);
  return provisioned(resource);
}

/**
 * The permissions of a function's role that polling a queue needs
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
 */
const POLLER_ACTIONS = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

function createEventSourceMapping(resource: Resource, deployment: Deployment): Provisioned {
  const { authorize, queues, pollers, surroundings, reportStopped } = deployment;
  const mapping = readEventSourceMapping(resource);
  const target = deployment.functions.get(mapping.functionName);
  if (target.leftOut !== undefined) {
    throw propertyError(
      resource,
      'FunctionName',
      `${target.configuration.name} is left out; its messages stay where they are`,
    );
  }
  const queue = queues?.find(mapping.queueArn);
  if (!queue) throw propertyError(resource, 'EventSourceArn', `the template has no queue ${mapping.queueArn}`);
  const { timeoutSeconds } = target.configuration;
  const { visibilityTimeoutSeconds } = queue.configuration;
  if (visibilityTimeoutSeconds < timeoutSeconds) {
    throw propertyError(
      resource,
      'EventSourceArn',
      `the queue's visibility timeout of ${visibilityTimeoutSeconds} seconds is less than the function's timeout of ${timeoutSeconds} seconds`,
    );
  }
  requireRolePermissions(authorize, target.configuration, POLLER_ACTIONS, mapping.queueArn, resource);
  const { clock, log } = surroundings;
  if (mapping.enabled) pollers.push(startPoller({ mapping, queue, target, clock, authorize, log, reportStopped }));
  return provisioned(resource);
}

function provisioned({ physicalName }: Resource): Provisioned {
  return { ref: physicalName, attributes: { Id: physicalName } };
}
