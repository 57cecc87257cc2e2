import { Duration, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Function as LambdaFunction,
  type RecursiveLoop,
  Runtime,
  RuntimeFamily,
} from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { ENV } from '../server/config.ts';
import { handlerCode } from './handler-code.ts';
import { Log, type LogProps } from './log.ts';

/**
 * The timeout of each function. It is shorter than API Gateway's 29 seconds, because the overlap of a resume has to cover it
 * twice.
 */
export const HANDLER_TIMEOUT = Duration.seconds(10);

/**
 * The memory of a function, in MB, unless it sets another. Lambda gives CPU in proportion: with less, the TLS handshake of the
 * first post takes longer.
 */
const MEMORY_SIZE_MB = 512;

/** `Runtime.NODEJS_24_X` by its name: the oldest CDK that package.json allows does not have the constant. */
const RUNTIME = new Runtime('nodejs24.x', RuntimeFamily.NODEJS);

export interface HandlerProps extends LogProps {
  /** What Lambda does when one chain of requests invokes the function again and again. @default - Lambda stops the chain */
  readonly recursiveLoop?: RecursiveLoop;
  /** In MB. @default 512 */
  readonly memorySizeMb?: number;
  /** More environment variables than the one that every handler has. @default - none */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The Lambda function of `lambdas/{id}.ts`: one ES module, with a log group and a role of its own. The role may write to
 * that log group, and do nothing else until a caller grants more.
 */
export class Handler extends LambdaFunction {
  constructor(
    scope: Construct,
    id: string,
    { environment, recursiveLoop, memorySizeMb = MEMORY_SIZE_MB, ...logging }: HandlerProps,
  ) {
    const logGroup = new Log(scope, `${id}Log`, logging);
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    super(scope, id, {
      code: handlerCode(id),
      handler: 'index.handler',
      runtime: RUNTIME,
      architecture: Architecture.ARM_64,
      timeout: HANDLER_TIMEOUT,
      memorySize: memorySizeMb,
      ...(recursiveLoop && { recursiveLoop }),
      environment: { ...environment, [ENV.stackName]: Stack.of(scope).stackName },
      logGroup,
      role,
    });
  }
}
