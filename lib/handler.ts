import { Duration, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Function as LambdaFunction, Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { ENV } from '../server/config.ts';
import { handlerCode } from './handler-code.ts';
import { Log, type LogProps } from './log.ts';

/**
 * How long an invocation may take: within API Gateway's 29 seconds, and short, because the overlap of a resume has to
 * cover it twice.
 */
export const HANDLER_TIMEOUT = Duration.seconds(10);

/** Memory of a function, in MB. Lambda gives CPU in proportion; with less, the first post's TLS handshake takes longer. */
const MEMORY_SIZE_MB = 512;

/** `Runtime.NODEJS_24_X` by its name, which the oldest CDK that package.json allows does not have. */
const RUNTIME = new Runtime('nodejs24.x', RuntimeFamily.NODEJS);

export interface HandlerProps extends LogProps {
  /** Environment variables, beside the one that every handler has. @default none */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The Lambda function of `lambdas/{id}.ts`: bundled into one ES module, with a log group of its own, and a role that may
 * write there and nothing else until it is granted more.
 */
export class Handler extends LambdaFunction {
  constructor(scope: Construct, id: string, { environment, ...logging }: HandlerProps) {
    const logGroup = new Log(scope, `${id}Log`, logging);
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    super(scope, id, {
      code: handlerCode(id),
      handler: 'index.handler',
      runtime: RUNTIME,
      architecture: Architecture.ARM_64,
      timeout: HANDLER_TIMEOUT,
      memorySize: MEMORY_SIZE_MB,
      environment: { ...environment, [ENV.stackName]: Stack.of(scope).stackName },
      logGroup,
      role,
    });
  }
}
