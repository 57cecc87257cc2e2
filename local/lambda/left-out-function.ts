import { randomUUID } from 'node:crypto';
import type { Log, Resource } from '../service.ts';
import { functionArn } from './function-configuration.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_SECONDS } from './limits.ts';

/** Makes a stand-in for a function that is left out. It has a name, and its invocations fail with the reason. */
export function createLeftOutFunction(resource: Resource, reason: string, log: Log): LambdaFunction {
  const { properties, physicalName } = resource;
  const text = (property: string) => (typeof properties[property] === 'string' ? properties[property] : undefined);
  const name = text('FunctionName') ?? physicalName;
  const errorMessage = `The function ${name} is left out of the local cloud: ${reason}`;
  return {
    configuration: {
      name,
      arn: functionArn(name),
      roleArn: text('Role') ?? '',
      runtime: text('Runtime') ?? '',
      handler: text('Handler') ?? '',
      timeoutSeconds: DEFAULT_TIMEOUT_SECONDS,
      memoryMb: DEFAULT_MEMORY_MB,
      description: text('Description') ?? '',
      environment: {},
      logGroupName: `/aws/lambda/${name}`,
      recursiveLoop: 'Terminate',
      tracing: 'PassThrough',
    },
    leftOut: reason,
    async invoke({ requestId = randomUUID(), trace = '' }) {
      log({ level: 'error', source: name, message: errorMessage, detail: { requestId } });
      const error = { errorType: 'LocalCloud.LeftOut', errorMessage };
      return { kind: 'done', requestId, outcome: { kind: 'error', error }, logTail: '', trace };
    },
    async close() {},
  };
}
