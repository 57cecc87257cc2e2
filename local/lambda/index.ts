import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { AssumeRole, Authorize, AwsService, Log } from '../service.ts';
import type { Queues } from '../sqs/index.ts';
import { handleLambda } from './api.ts';
import { createAsyncInvocations } from './async-invocations.ts';
import { createConcurrency } from './concurrency.ts';
import type { IssueCredentials } from './credentials.ts';
import { createDestinations } from './destinations.ts';
import { DEFAULT_EVENT_INVOKE_CONFIG, type EventInvokeConfig } from './event-invoke-config.ts';
import { createFunctions } from './functions.ts';
import { createInvocations, type Invocations } from './invoke.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { MIN_UNRESERVED_CONCURRENCY } from './limits.ts';
import type { Permission } from './permission.ts';
import { createProviders } from './providers.ts';
import type { Poller } from './sqs-poller.ts';
import { createStarts } from './starts.ts';
import { createTaskRoots } from './task-roots.ts';

export interface LambdaOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly authorize: Authorize;
  readonly assumeRole: AssumeRole;
  readonly issueCredentials: IssueCredentials;
  /** Returns the address of the local cloud, for functions. Called at the start of an environment. */
  readonly endpoint: () => { readonly host: string; readonly port: number };
  /** The addresses of services that the local cloud lacks, by the name in their signatures. Default: none. */
  readonly serviceEndpoints?: Readonly<Record<string, string>>;
  /**
   * Returns more hosts than those of AWS, as `name:port`, that lead functions here. Called at the start of an environment.
   * Default: none.
   */
  readonly hostsHere?: () => readonly string[];
  readonly log: Log;
  /** The queues, for event source mappings and destinations. Default: none. */
  readonly queues?: Queues;
  /** Whether handlers get a part of a processor in proportion to their memory. Default: a whole one. */
  readonly sharesCpu?: boolean;
  /** The account's concurrent executions. Default: 1,000. */
  readonly accountConcurrency?: number;
}

export interface LambdaService extends AwsService, Invocations {
  /** What the template sets for a function, by its ARN, or for each of them. */
  environments(arn?: string): readonly Readonly<Record<string, string>>[];
}

/** The local cloud's Lambda: it runs the deployed code of a template's functions in worker threads. */
export function createLambda(options: LambdaOptions): LambdaService {
  const { authorize, log, clock, queues, accountConcurrency = 1000 } = options;
  const minUnreserved = Math.min(accountConcurrency, MIN_UNRESERVED_CONCURRENCY);
  const functions = createFunctions();
  const permissions: Permission[] = [];
  const eventInvokeConfigs = new Map<LambdaFunction, EventInvokeConfig>();
  const pollers: Poller[] = [];
  const taskRoots = createTaskRoots();
  const surroundings = {
    ...options,
    concurrency: createConcurrency(accountConcurrency, minUnreserved),
    starts: createStarts(),
  };
  const asyncInvocations = createAsyncInvocations({
    clock,
    log,
    configOf: (target) => eventInvokeConfigs.get(target) ?? DEFAULT_EVENT_INVOKE_CONFIG,
    destinations: () => destinations,
  });
  const { enqueue, reportStopped } = asyncInvocations;
  const destinations = createDestinations({ authorize, log, functions, queues, enqueue });
  return {
    name: 'lambda',
    providers: createProviders({
      functions,
      permissions,
      eventInvokeConfigs,
      pollers,
      taskRoots,
      surroundings,
      destinations,
      authorize,
      queues,
      reportStopped,
    }),
    ...createInvocations(functions, permissions, log, enqueue, options),
    environments: (arn) =>
      (arn === undefined ? functions.all() : [functions.get(arn)]).map(
        ({ configuration }) => configuration.environment,
      ),
    handle: (request) => handleLambda(request, { functions, authorize, enqueue }),
    async close() {
      // First it stops accepting work. Then it ends the running invocations, and with them all that wait for these.
      const closing = [...pollers.map((poller) => poller.close()), asyncInvocations.close()];
      await Promise.all(functions.all().map((each) => each.close()));
      await Promise.all(closing);
      await taskRoots.close();
    },
  };
}
