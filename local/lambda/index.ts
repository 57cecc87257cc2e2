import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import {
  type Authorize,
  AwsError,
  type AwsService,
  type Invoke,
  type Log,
  type Provisioned,
  type Resource,
  type ResourceProvider,
} from '../service.ts';
import { handleLambda } from './api.ts';
import { readCode } from './code.ts';
import { createConcurrency } from './concurrency.ts';
import type { IssueCredentials } from './credentials.ts';
import { FUNCTION_PROPERTIES, INERT_FUNCTION_PROPERTIES, readFunction } from './function-configuration.ts';
import { createFunctions, type Functions } from './functions.ts';
import { createInvoke } from './invoke.ts';
import { createLambdaFunction, type Surroundings } from './lambda-function.ts';
import { PERMISSION_PROPERTIES, type Permission, readPermission } from './permission.ts';
import { createTaskRoots, type TaskRoots } from './task-roots.ts';

export interface LambdaOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly authorize: Authorize;
  readonly issueCredentials: IssueCredentials;
  /** The local cloud's port: where functions find AWS. Called when an environment starts. */
  readonly endpoint: () => { readonly host: string; readonly port: number };
  readonly log: Log;
}

export interface LambdaService extends AwsService {
  readonly invoke: Invoke;
}

/** The local cloud's Lambda: runs the functions of a template in worker threads, from their deployed code. */
export function createLambda(options: LambdaOptions): LambdaService {
  const { authorize, log } = options;
  const functions = createFunctions();
  const permissions: Permission[] = [];
  const taskRoots = createTaskRoots();
  const surroundings = { ...options, concurrency: createConcurrency() };
  const providers: readonly ResourceProvider[] = [
    {
      type: 'AWS::Lambda::Function',
      properties: FUNCTION_PROPERTIES,
      inertProperties: INERT_FUNCTION_PROPERTIES,
      create: (resource) => createFunction(resource, functions, taskRoots, surroundings),
    },
    {
      type: 'AWS::Lambda::Permission',
      properties: PERMISSION_PROPERTIES,
      create(resource) {
        permissions.push(readPermission(resource));
        return { ref: resource.physicalName, attributes: { Id: resource.physicalName } };
      },
    },
  ];
  return {
    name: 'lambda',
    providers,
    invoke: createInvoke(functions, permissions, log),
    handle: (request) => handleLambda(request, { functions, authorize, enqueue: refuseEvents }),
    async close() {
      await Promise.all(functions.all().map((each) => each.close()));
      await taskRoots.close();
    },
  };
}

async function createFunction(
  resource: Resource,
  functions: Functions,
  taskRoots: TaskRoots,
  surroundings: Surroundings,
): Promise<Provisioned> {
  const configuration = readFunction(resource);
  const taskRoot = await taskRoots.unpack(readCode(resource, configuration.handler));
  const bootstrapFile = await taskRoots.bootstrapFile();
  surroundings.concurrency.reserve(configuration);
  functions.add(createLambdaFunction(configuration, { taskRoot, bootstrapFile }, surroundings));
  return { ref: configuration.name, attributes: { Arn: configuration.arn } };
}

function refuseEvents(): never {
  throw new AwsError('UnsupportedOperation', 'The invocation type Event is not supported locally.');
}
