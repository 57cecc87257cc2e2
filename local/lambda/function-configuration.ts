import * as v from 'valibot';
import { record } from '../record.ts';
import { count, propertyError, readProperties } from '../resource-properties.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Resource } from '../service.ts';
import {
  DEFAULT_MEMORY_MB,
  DEFAULT_TIMEOUT_SECONDS,
  MAX_ENVIRONMENT_BYTES,
  MAX_MEMORY_MB,
  MAX_TIMEOUT_SECONDS,
} from './limits.ts';
import { RECURSIVE_LOOP_MODES, TRACING_MODES, type TracedFunction } from './trace.ts';

export const RUNTIMES = ['nodejs18.x', 'nodejs20.x', 'nodejs22.x', 'nodejs24.x'] as const;

/** A deployed function's settings. */
export interface FunctionConfiguration extends TracedFunction {
  readonly name: string;
  readonly roleArn: string;
  readonly runtime: string;
  /** `folder/file.export` */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroupName: string;
  /** Absent if the function shares the account's unreserved concurrency. */
  readonly reservedConcurrency?: number;
  /** The ARN of the queue for events whose asynchronous invocations all failed. */
  readonly deadLetterArn?: string;
  readonly recursiveLoop: (typeof RECURSIVE_LOOP_MODES)[number];
}

/** The properties of `AWS::Lambda::Function` with an effect here. */
export const FUNCTION_PROPERTIES = [
  'Code',
  'DeadLetterConfig',
  'Description',
  'Environment',
  'FunctionName',
  'Handler',
  'LoggingConfig',
  'MemorySize',
  'PackageType',
  'RecursiveLoop',
  'ReservedConcurrentExecutions',
  'Role',
  'Runtime',
  'Timeout',
  'TracingConfig',
];

/** The properties without an observable effect here. Storage in `/tmp` is the machine's own. */
export const INERT_FUNCTION_PROPERTIES = [
  'Architectures',
  'EphemeralStorage',
  'KmsKeyArn',
  'RuntimeManagementConfig',
  'Tags',
];

/**
 * The variables that a function cannot set.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const RESERVED_VARIABLES: ReadonlySet<string> = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_DEFAULT_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
]);

const integer = (min: number, max: number) => v.pipe(count, v.minValue(min), v.maxValue(max));
const text = v.union([v.string(), v.pipe(v.union([v.number(), v.boolean()]), v.transform(String))]);

const schema = v.object({
  DeadLetterConfig: v.optional(v.strictObject({ TargetArn: v.pipe(v.string(), v.startsWith('arn:aws:sqs:')) })),
  Description: v.optional(v.string(), ''),
  Environment: v.optional(v.strictObject({ Variables: v.optional(record(text), {}) })),
  FunctionName: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-_]{1,64}$/))),
  Handler: v.pipe(v.string(), v.regex(/^[^\s.]+\.\S+$/)),
  LoggingConfig: v.optional(v.looseObject({ LogGroup: v.optional(v.string()) })),
  MemorySize: v.optional(integer(DEFAULT_MEMORY_MB, MAX_MEMORY_MB), DEFAULT_MEMORY_MB),
  PackageType: v.optional(v.literal('Zip')),
  RecursiveLoop: v.optional(v.picklist(RECURSIVE_LOOP_MODES), 'Terminate'),
  ReservedConcurrentExecutions: v.optional(integer(0, Number.MAX_SAFE_INTEGER)),
  Role: v.pipe(v.string(), v.regex(/^arn:/)),
  Runtime: v.picklist(RUNTIMES),
  Timeout: v.optional(integer(1, MAX_TIMEOUT_SECONDS), DEFAULT_TIMEOUT_SECONDS),
  TracingConfig: v.optional(v.strictObject({ Mode: v.optional(v.picklist(TRACING_MODES), 'PassThrough') })),
});

/**
 * Reads an `AWS::Lambda::Function`, all but its code.
 * @throws Error naming the resource and the wrong property
 */
export function readFunction(resource: Resource): FunctionConfiguration {
  const properties = readProperties(resource, schema);
  const name = properties.FunctionName ?? resource.physicalName;
  const environment = properties.Environment?.Variables ?? {};
  checkEnvironment(resource, environment);
  const reserved = properties.ReservedConcurrentExecutions;
  return {
    name,
    arn: functionArn(name),
    roleArn: properties.Role,
    runtime: properties.Runtime,
    handler: properties.Handler,
    timeoutSeconds: properties.Timeout,
    memoryMb: properties.MemorySize,
    description: properties.Description,
    environment,
    logGroupName: properties.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`,
    recursiveLoop: properties.RecursiveLoop,
    tracing: properties.TracingConfig?.Mode ?? 'PassThrough',
    ...(reserved !== undefined && { reservedConcurrency: reserved }),
    ...(properties.DeadLetterConfig && { deadLetterArn: properties.DeadLetterConfig.TargetArn }),
  };
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:${name}`;
}

function checkEnvironment(resource: Resource, environment: Readonly<Record<string, string>>): void {
  const refuse = (problem: string) => propertyError(resource, 'Environment.Variables', problem);
  for (const key of Object.keys(environment)) {
    if (RESERVED_VARIABLES.has(key)) throw refuse(`${key} is reserved by Lambda and cannot be set`);
    if (!/^[A-Za-z]\w+$/.test(key)) throw refuse(`"${key}" is not a name that Lambda takes ([A-Za-z][A-Za-z0-9_]+)`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(environment));
  if (bytes > MAX_ENVIRONMENT_BYTES) throw refuse(`${bytes} bytes, and Lambda takes at most ${MAX_ENVIRONMENT_BYTES}`);
}
