import { LOCAL_REGION } from '../service.ts';
import type { Credentials } from './credentials.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import { endpointVariables } from './service-endpoints.ts';

/** Returns the whole `process.env` of a handler, without any variable of this machine. */
export function environmentVariables(
  configuration: FunctionConfiguration,
  given: {
    readonly taskRoot: string;
    readonly credentials: Credentials;
    readonly logStreamName: string;
    /** The addresses of services that the local cloud lacks, by the name in their signatures. */
    readonly serviceEndpoints: Readonly<Record<string, string>>;
  },
): Record<string, string> {
  return {
    LANG: 'en_US.UTF-8',
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    TZ: ':UTC',
    ...configuration.environment,
    ...endpointVariables(given.serviceEndpoints),
    _HANDLER: configuration.handler,
    AWS_ACCESS_KEY_ID: given.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: given.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: given.credentials.sessionToken,
    AWS_REGION: LOCAL_REGION,
    AWS_DEFAULT_REGION: LOCAL_REGION,
    AWS_EXECUTION_ENV: `AWS_Lambda_${configuration.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: configuration.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: given.logStreamName,
    LAMBDA_TASK_ROOT: given.taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
  };
}
