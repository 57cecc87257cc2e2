import type { Clock } from '../clock.ts';
import type { AssumeRole, Authorize, ResourceProvider } from '../service.ts';
import { type Authenticated, createAuthenticate } from './authenticate.ts';
import { type Check, createAuthorize } from './authorize.ts';
import { createCredentials, type SessionCredentials } from './credentials.ts';
import { iamProviders } from './providers.ts';
import { createRoles } from './roles.ts';
import type { SignedRequest } from './signature.ts';
import { createUsage, type IamReport } from './usage.ts';

/** Identity and access management: it authenticates and authorizes requests. */
export interface Iam {
  readonly providers: readonly ResourceProvider[];
  readonly authorize: Authorize;
  /** Verifies a request's SigV4 signature. @throws AwsError */
  authenticate(request: SignedRequest): Authenticated;
  /** Returns credentials for a service (`lambda.amazonaws.com`) that assumes a role. @throws AwsError if it may not */
  issueForRole(roleArn: string, sessionName: string, service: string): SessionCredentials;
  readonly assumeRole: AssumeRole;
  /** @param services the prefixes of the actions that run here */
  report(services: ReadonlySet<string>): IamReport;
}

export interface IamOptions {
  readonly clock: Clock;
  /** Gets every permission check. */
  readonly onCheck: (check: Check) => void;
}

export function createIam({ clock, onCheck }: IamOptions): Iam {
  const roles = createRoles();
  const usage = createUsage();
  const credentials = createCredentials(roles);
  return {
    providers: iamProviders(roles),
    authorize: createAuthorize(roles, usage, onCheck),
    authenticate: createAuthenticate(credentials, clock),
    issueForRole: credentials.issueForRole,
    assumeRole(roleArn, service) {
      roles.requireTrust(roleArn, service);
      return { kind: 'role', roleArn, sessionName: service };
    },
    report: (services) => usage.report(roles, services),
  };
}
