import { writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { AssetHashType, DockerImage, Duration, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import { ENV } from '../server/config.ts';
import { Log, type LogProps } from './log.ts';

const LAMBDAS = join(import.meta.dirname, '..', 'lambdas');

/**
 * How long an invocation may take: within API Gateway's 29 seconds, and short, because the overlap of a resume has to
 * cover it twice.
 */
export const HANDLER_TIMEOUT = Duration.seconds(10);

/** Memory of a function, in MB. Lambda gives CPU in proportion; with less, the first post's TLS handshake takes longer. */
const MEMORY_SIZE_MB = 512;

/** Providers of credentials that do not exist inside Lambda. Leaving them out takes a fifth off a bundle. */
const UNUSED_IN_LAMBDA = ['sso', 'ini', 'process', 'web-identity', 'http', 'login'].map(
  (name) => `@aws-sdk/credential-provider-${name}`,
);

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
      code: bundle(id),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: HANDLER_TIMEOUT,
      memorySize: MEMORY_SIZE_MB,
      environment: { ...environment, [ENV.stackName]: Stack.of(scope).stackName },
      logGroup,
      role,
    });
  }
}

function bundle(id: string): Code {
  return Code.fromAsset(LAMBDAS, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never run. Both are part of the key under which the CDK keeps a bundle, so the command tells handlers apart.
      image: DockerImage.fromRegistry('unused'),
      command: [id],
      local: {
        tryBundle(outputDirectory) {
          writeFileSync(join(outputDirectory, 'index.mjs'), bundleOf(id));
          return true;
        },
      },
    },
  });
}

let bundles: ReadonlyMap<string, Uint8Array> | undefined;

/** All handlers are built at once, when the first is asked for: they share most of what has to be read and parsed. */
function bundleOf(id: string): Uint8Array {
  bundles ??= buildHandlers();
  const built = bundles.get(id);
  if (!built) throw new Error(`There is no handler lambdas/${id}.ts`);
  return built;
}

function buildHandlers(): ReadonlyMap<string, Uint8Array> {
  const { outputFiles } = buildSync({
    // Beside this file in its own language: in the package, both have been compiled.
    entryPoints: [join(LAMBDAS, `*${extname(import.meta.filename)}`)],
    outdir: LAMBDAS,
    write: false,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // The SDK's CommonJS build, which comes first by default, cannot be shaken: 537 KB instead of 236.
    mainFields: ['module', 'main'],
    external: UNUSED_IN_LAMBDA,
    logLevel: 'error',
  });
  return new Map(outputFiles.map(({ path, contents }) => [basename(path, '.js'), contents]));
}
