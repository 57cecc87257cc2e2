import { type ApiGateway, type ApiGatewayOptions, createApiGateway } from './apigateway/index.ts';
import type { Clock } from './clock.ts';
import { createDynamoDb } from './dynamodb/index.ts';
import { createEventBridge } from './events/index.ts';
import type { Faults } from './faults.ts';
import type { Iam } from './iam/iam.ts';
import { createLambda } from './lambda/index.ts';
import type { Settings } from './options.ts';
import { createSecretsManager, createSsm, resolveDynamicReferences } from './secrets/index.ts';
import type { AwsService, Log } from './service.ts';
import { createSqs } from './sqs/index.ts';
import { createSts } from './sts.ts';
import { explainRefusal, type TrustedIssuer } from './trust.ts';

export interface ServicesContext {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly iam: Iam;
  readonly log: Log;
  readonly settings: Settings;
  /** More hosts than those of AWS, as `name:port`, that lead functions to the local cloud. Default: none. */
  readonly hostsHere?: () => readonly string[];
  /** The address of the local cloud, for functions. */
  readonly endpoint: { readonly host: string; readonly port: number };
}

export interface Services {
  readonly apiGateway: ApiGateway;
  /** By the name in the SigV4 credential scope. */
  readonly byName: ReadonlyMap<string, AwsService>;
  /** Replaces the dynamic references of a template. */
  resolveReferences(text: string): string;
  /** Returns the value of a parameter in the parameter store, if it exists. */
  storedParameter(name: string): string | undefined;
  /** Returns the issuers that the deployed functions trust. */
  trustedIssuers(): readonly TrustedIssuer[];
  /** Closes all services: first the sources of events, then their handlers, the tables last. */
  close(): Promise<void>;
}

/** Creates all services, and connects them. */
export async function createServices({
  clock,
  faults,
  iam,
  log,
  settings,
  hostsHere = () => [],
  endpoint,
}: ServicesContext): Promise<Services> {
  const common = { clock, faults, authorize: iam.authorize, log };
  const { dataDirectory, dynamodbEndpoint, readTrust = () => [] } = settings;
  const { concurrentExecutions, requestsPerSecond } = settings.quotas;
  const data = dataDirectory === undefined ? {} : { dataDirectory };
  const dynamoDb = await createDynamoDb({
    ...common,
    ...data,
    quotas: settings.quotas,
    ...(dynamodbEndpoint === undefined ? {} : { endpoint: dynamodbEndpoint }),
  });
  const sqs = await createSqs({ ...common, ...data }).catch(async (error: unknown) => {
    await dynamoDb.close();
    throw error;
  });
  const lambda = createLambda({
    ...common,
    assumeRole: iam.assumeRole,
    issueCredentials: (roleArn, sessionName) => iam.issueForRole(roleArn, sessionName, 'lambda.amazonaws.com'),
    endpoint: () => endpoint,
    hostsHere,
    serviceEndpoints: settings.endpoints,
    queues: sqs.queues,
    sharesCpu: settings.cpuShare,
    accountConcurrency: concurrentExecutions,
  });
  const { invoke, invokeAsync } = lambda;
  const onRefused: NonNullable<ApiGatewayOptions['onRefused']> = (authorizerArn, statusCode, headers) => {
    const trusted = lambda.environments(authorizerArn).flatMap(readTrust);
    const message = explainRefusal({ statusCode, headers }, trusted, clock.now());
    if (message !== undefined) log({ level: 'warn', source: 'apigateway', message });
  };
  const apiGateway = createApiGateway({ ...common, invoke, onRefused, requestsPerSecond });
  const eventBridge = createEventBridge({ ...common, invokeAsync });
  const secretsManager = createSecretsManager({ ...common, ...data });
  const ssm = createSsm(common);
  const takingIn = [apiGateway, eventBridge, lambda];
  const inClosingOrder: readonly AwsService[] = [...takingIn, createSts(), secretsManager, ssm, sqs, dynamoDb];
  return {
    apiGateway,
    byName: new Map(inClosingOrder.map((service) => [service.name, service])),
    resolveReferences: (text) => resolveDynamicReferences(text, { secretsManager, ssm }),
    storedParameter: ssm.find,
    trustedIssuers: () => lambda.environments().flatMap(readTrust),
    async close() {
      for (const service of inClosingOrder) await service.close();
    },
  };
}
