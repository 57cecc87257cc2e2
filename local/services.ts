import { type ApiGateway, createApiGateway } from './apigateway/index.ts';
import type { Clock } from './clock.ts';
import { createDynamoDb } from './dynamodb/index.ts';
import { createEventBridge } from './events/index.ts';
import type { Faults } from './faults.ts';
import type { Iam } from './iam/iam.ts';
import { createLambda } from './lambda/index.ts';
import type { Settings } from './options.ts';
import type { AwsService, Log } from './service.ts';

export interface ServicesContext {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly iam: Iam;
  readonly log: Log;
  readonly settings: Settings;
  /** Where the functions reach the local cloud. */
  readonly endpoint: { readonly host: string; readonly port: number };
}

export interface Services {
  readonly apiGateway: ApiGateway;
  /** By the name in the SigV4 credential scope. */
  readonly byName: ReadonlyMap<string, AwsService>;
  /** Closes all of them: first what takes events in, then what handles them, the tables last. */
  close(): Promise<void>;
}

/** Creates every AWS service that runs here, each with what it needs of the others. */
export async function createServices({
  clock,
  faults,
  iam,
  log,
  settings,
  endpoint,
}: ServicesContext): Promise<Services> {
  const common = { clock, faults, authorize: iam.authorize, log };
  const { dataDirectory, dynamodbEndpoint } = settings;
  const data = dataDirectory === undefined ? {} : { dataDirectory };
  const dynamoDb = await createDynamoDb({
    ...common,
    ...data,
    ...(dynamodbEndpoint === undefined ? {} : { endpoint: dynamodbEndpoint }),
  });
  const lambda = createLambda({
    ...common,
    issueCredentials: (roleArn, sessionName) => iam.issueForRole(roleArn, sessionName, 'lambda.amazonaws.com'),
    endpoint: () => endpoint,
  });
  const { invoke } = lambda;
  const apiGateway = createApiGateway({ ...common, invoke });
  const eventBridge = createEventBridge({ ...common, invoke });
  const inClosingOrder: readonly AwsService[] = [apiGateway, eventBridge, lambda, dynamoDb];
  return {
    apiGateway,
    byName: new Map(inClosingOrder.map((service) => [service.name, service])),
    async close() {
      for (const service of inClosingOrder) await service.close();
    },
  };
}
