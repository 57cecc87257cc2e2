import type { Clock } from './clock.ts';
import type { AwsCall } from './front/calls.ts';
import type { IamReport } from './iam/usage.ts';
import type { TimedLogEntry } from './log.ts';
import type { Outputs } from './template/create.ts';
import type { LeftOut } from './template/left-out.ts';

/** What the `ready` line and `GET /_local/health` say. */
export interface Ready {
  /** Absent unless there is exactly one stage of one WebSocket API. */
  readonly websocketUrl?: string;
  readonly endpointUrl: string;
  /** Absent unless there are static files. */
  readonly pageUrl?: string;
  readonly outputs: Readonly<Record<string, Outputs>>;
}

/** A running application. */
export interface LocalCloud {
  /** The one endpoint of every AWS API, with the access key `local` and the secret `local`. */
  readonly endpointUrl: string;
  /** The stage of the only WebSocket API. Reading it throws an Error when there is none, or more than one. */
  readonly websocketUrl: string;
  /** Every stage, by `API name/stage name`, or by `API id/stage name` where several APIs share a name and a stage's name. */
  readonly websocketUrls: Readonly<Record<string, string>>;
  /** By stack and output name. */
  readonly outputs: Readonly<Record<string, Outputs>>;
  /** What the option `partial` has left out. */
  readonly leftOut: readonly LeftOut[];
  readonly ready: Ready;
  readonly clock: Clock;
  /** A token of the development issuer, e.g. of `{ sub: 'bob' }`; `expiresInSeconds` (default 3600) is no claim. */
  token(claims: { readonly sub: string; readonly [claim: string]: unknown }): Promise<string>;
  /** The latest calls of AWS APIs, oldest first. */
  calls(): readonly AwsCall[];
  /** Denied calls, and permissions that nothing has used so far. */
  iamReport(): IamReport;
  /** The latest log entries, oldest first. */
  log(): readonly TimedLogEntry[];
  /** Ends everything: sockets, functions, tables. */
  close(): Promise<void>;
}
